"""What apt and python3-debian read in an index, in a form that is easy to compare byte for byte.

    oracle.py fields-apt FILE       each field of each stanza, by apt_pkg.TagFile
    oracle.py fields-debian FILE    the same by python3-debian
    oracle.py contents FILE         the SHA-1 of each 1000 lines, as path and names of packages
    oracle.py relations             lines "binary VALUE" or "source VALUE" on standard input
    oracle.py versions              lines "A B": how apt orders them
"""

import sys

out = sys.stdout.buffer


def unfold(value):
    """The text of a field without its folding (Policy 5.6.13): leading blank, trailing blanks, dots for empty lines."""
    first, *rest = value.split(b"\n")
    lines = [first.strip(b" \t")]
    for line in rest:
        line = line[1:].rstrip(b" \t")
        if line and not line.strip(b"."):
            line = line[1:]
        lines.append(line)
    return b"\n".join(lines).strip()


def write_stanza(fields):
    parts = [name + b"\x1f" + (unfold(value) if b"\n" in value else value.strip()) + b"\x1e" for name, value in fields]
    parts.append(b"\x1d")
    out.write(b"".join(parts))


def fields_apt(path):
    import apt_pkg

    for section in apt_pkg.TagFile(open(path, "rb"), True):
        write_stanza((name.encode(), section[name]) for name in section.keys())


def fields_debian(path):
    from debian.deb822 import Deb822

    for stanza in Deb822.iter_paragraphs(open(path, "rb"), use_apt_pkg=False):
        write_stanza((name.encode(), value.encode()) for name, value in stanza.items())


def contents(path):
    import hashlib

    digest = hashlib.sha1()
    for number, line in enumerate(open(path, "rb"), 1):
        name, location = line.rsplit(None, 1)
        names = b",".join(each.rsplit(b"/", 1)[-1] for each in location.split(b","))
        digest.update(name.decode(errors="replace").encode() + b"\x1f" + names + b"\n")
        if number % 1000 == 0:
            out.write(digest.hexdigest().encode() + b"\n")
            digest = hashlib.sha1()
    out.write(digest.hexdigest().encode() + b"\n")


def relations():
    """For "binary": as apt reads it. For "source": as python3-debian does, a tab, and what of it apt wants on amd64."""
    import apt_pkg
    from debian.deb822 import PkgRelation

    apt_pkg.init()

    def format_apt(groups):
        return ", ".join(" | ".join(format_one(*each) for each in group) for group in groups)

    def format_one(name, version, operator):
        operator = {"<": "<<", ">": ">>"}.get(operator, operator)
        return f"{name} ({operator} {version})" if operator else name

    for line in sys.stdin.buffer:
        kind, _, value = line.decode().rstrip("\n").partition(" ")
        try:
            if kind == "binary":
                answer = format_apt(apt_pkg.parse_depends(value, False))
            else:
                whole = PkgRelation.str(PkgRelation.parse_relations(value.rstrip(", ")))
                answer = whole + "\t" + format_apt(apt_pkg.parse_src_depends(value, False, "amd64"))
        except ValueError as error:
            answer = f"! {error}"
        out.write(answer.encode() + b"\n")


def versions():
    import apt_pkg

    apt_pkg.init_system()
    compare = apt_pkg.version_compare
    for line in sys.stdin:
        a, b = line.split()
        order = compare(a, b)
        out.write(b"<\n" if order < 0 else b">\n" if order > 0 else b"=\n")


if __name__ == "__main__":
    commands = {
        "fields-apt": fields_apt,
        "fields-debian": fields_debian,
        "contents": contents,
        "relations": relations,
        "versions": versions,
    }
    commands[sys.argv[1]](*sys.argv[2:])
