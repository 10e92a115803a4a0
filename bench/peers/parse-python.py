"""How long apt_pkg and python3-debian take to read an index: parse-python.py WHAT FILE RUNS, one JSON list of seconds.

The interpreter's start and the imports are not counted.
"""

import json
import sys
import time

import apt_pkg
from debian.deb822 import Deb822


def apt_step(path):
    count = 0
    for _ in apt_pkg.TagFile(open(path, "rb"), True):
        count += 1
    return count


def apt_fields(path):
    count = 0
    for section in apt_pkg.TagFile(open(path, "rb"), True):
        for name in section.keys():
            count += len(section[name])
    return count


def apt_round_trip(path):
    parts = []
    for section in apt_pkg.TagFile(open(path, "rb"), True):
        parts.append(section.__str__())
    same(b"".join(parts), path)


def debian_fields(path):
    count = 0
    for stanza in Deb822.iter_paragraphs(open(path, "rb"), use_apt_pkg=False):
        for value in stanza.values():
            count += len(value)
    return count


def debian_round_trip(path):
    parts = []
    for stanza in Deb822.iter_paragraphs(open(path, "rb"), use_apt_pkg=False):
        parts.append(stanza.dump().encode())
        parts.append(b"\n")
    b"".join(parts)


def same(text, path):
    with open(path, "rb") as file:
        if text != file.read():
            sys.exit("the file did not come back")


works = {work.__name__: work for work in (apt_step, apt_fields, apt_round_trip, debian_fields, debian_round_trip)}
spent = []
for _ in range(int(sys.argv[3])):
    wall, cpu = time.perf_counter(), time.process_time()
    works[sys.argv[1]](sys.argv[2])
    spent.append({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu})
print(json.dumps(spent))
