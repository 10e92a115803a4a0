"""The same as diff-apt.py with python3-debian: its deb822 and its versions.

    python3 diff-debian.py OLD… NEW…
"""
import json
import sys

from debian.deb822 import Packages, Sources
from debian.debian_support import version_compare


def read(paths):
    newest = {}
    for path in paths:
        kind = Sources if path.endswith("Sources") else Packages
        with open(path, "rb") as file:
            for stanza in kind.iter_paragraphs(file, use_apt_pkg=True):
                architecture = "source" if kind is Sources else stanza["Architecture"]
                version, key = stanza["Version"], (stanza["Package"], architecture)
                dsc = (each["sha256"] for each in stanza.get("Checksums-Sha256", []) if each["name"].endswith(".dsc"))
                sha256 = stanza.get("SHA256") or next(dsc, "")
                if key not in newest or version_compare(version, newest[key][0]) > 0:
                    newest[key] = version, sha256
    return newest


paths = sys.argv[1:]
old, new = read(paths[: len(paths) // 2]), read(paths[len(paths) // 2 :])
counts = {"added": len(new.keys() - old.keys()), "removed": len(old.keys() - new.keys())}
counts |= {"upgraded": 0, "downgraded": 0, "altered": 0}
for key in old.keys() & new.keys():
    order = version_compare(old[key][0], new[key][0])
    if order != 0:
        counts["upgraded" if order < 0 else "downgraded"] += 1
    elif old[key][1] != new[key][1]:
        counts["altered"] += 1
print(json.dumps(counts))
