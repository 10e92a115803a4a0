"""Compares Packages and Sources files with python3-apt, as a dozen lines of a script would.

    python3 diff-apt.py OLD… NEW… [--list]

The first half of the files is the older state. Prints how many packages were added, removed, upgraded, downgraded and
altered as JSON; with --list one line for each.
"""
import json
import sys

import apt_pkg

apt_pkg.init_system()


def read(paths):
    newest = {}
    for path in paths:
        with apt_pkg.TagFile(path) as tags:
            for stanza in tags:
                architecture = stanza["Architecture"] if "Filename" in stanza else "source"
                version, key = stanza["Version"], (stanza["Package"], architecture)
                words = stanza.get("Checksums-Sha256", "").split()
                dsc = (words[at] for at in range(0, len(words), 3) if words[at + 2].endswith(".dsc"))
                sha256 = stanza.get("SHA256") or next(dsc, "")
                if key not in newest or apt_pkg.version_compare(version, newest[key][0]) > 0:
                    newest[key] = version, sha256
    return newest


paths = [path for path in sys.argv[1:] if path != "--list"]
old, new = read(paths[: len(paths) // 2]), read(paths[len(paths) // 2 :])
found = {"added": [], "removed": [], "upgraded": [], "downgraded": [], "altered": []}
for key in sorted(old.keys() | new.keys()):
    if key not in old:
        found["added"].append(key)
    elif key not in new:
        found["removed"].append(key)
    elif (order := apt_pkg.version_compare(old[key][0], new[key][0])) != 0:
        found["upgraded" if order < 0 else "downgraded"].append(key)
    elif old[key][1] != new[key][1]:
        found["altered"].append(key)
if "--list" in sys.argv:
    for change, keys in found.items():
        for key in keys:
            print(change, *key)
else:
    print(json.dumps({change: len(keys) for change, keys in found.items()}))
