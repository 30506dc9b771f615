"""What the scripts share: flags made from `Config`, flagfiles by bare name, a quick `--help`."""

import dataclasses
import importlib.util
import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from absl import flags

FLAGFILES = pathlib.Path(__file__).parent / "flags"


def config_module():
    """Load `keras_gans/config.py` by itself: importing the package would import TensorFlow."""
    package = importlib.util.find_spec("keras_gans")
    if package is None:
        sys.exit("keras_gans is not installed; run: pip install -e .")
    path = pathlib.Path(package.origin).with_name("config.py")
    spec = importlib.util.spec_from_file_location("config", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _BooleanOrAuto(flags.BooleanParser):
    def parse(self, argument):
        return argument if argument == "auto" else super().parse(argument)


class _NumberOrAuto(flags.FloatParser):
    def parse(self, argument):
        return argument if argument == "auto" else super().parse(argument)


class _IntegerOrAuto(flags.IntegerParser):
    def parse(self, argument):
        return argument if argument == "auto" else super().parse(argument)


_OR_AUTO = {
    "bool | str": _BooleanOrAuto,
    "float | str": _NumberOrAuto,
    "int | str": _IntegerOrAuto,
}


def define_config_flags(table="Config"):
    """Define a flag for each field of a table of options, of the same name, default and help."""
    for field in dataclasses.fields(getattr(config_module(), table)):
        kinds = getattr(field.type, "__name__", str(field.type)).replace(" | None", "")
        text, default = field.metadata["help"], field.default
        if kinds in _OR_AUTO:
            parser = _OR_AUTO[kinds]()
            flag = flags.Flag(parser, flags.ArgumentSerializer(), field.name, default, text)
            flag.boolean = kinds == "bool | str"
            flags.DEFINE_flag(flag)
        elif field.metadata["choices"]:
            flags.DEFINE_enum(field.name, default, field.metadata["choices"], text)
        else:
            define = {
                "str": flags.DEFINE_string,
                "int": flags.DEFINE_integer,
                "float": flags.DEFINE_float,
                "bool": flags.DEFINE_boolean,
            }[kinds]
            define(field.name, default, text)
    if "jit_compile" in flags.FLAGS:
        flags.DEFINE_alias("jit", "jit_compile")


def parse_flags(argv):
    """Return absl's flag values; raise `flags.Error` for what is no flag."""
    rest = flags.FLAGS(argv)
    if len(rest) > 1:
        raise flags.Error(f"unexpected argument {rest[1]!r}; flags look like --name=value")
    return flags.FLAGS


def parse_config(argv, table="Config"):
    """Return the options that a command line stands for; raise `flags.Error` if they cannot be."""
    arguments, stem = _find_flagfiles(argv)
    parse_flags(_last_of(flags.FLAGS.read_flags_from_files(arguments), "--epochs", "--steps"))
    options = getattr(config_module(), table)
    values = {f.name: flags.FLAGS[f.name].value for f in dataclasses.fields(options)}
    if "name" in values:
        values["name"] = values["name"] or stem or values.get("model", "")
    try:
        return options(**values)
    except ValueError as error:
        raise flags.Error(str(error)) from None


def run(main, parser):
    """Call `main(parser(argv))`; `--help` ends with 0, a wrong flag with 2 and one line."""
    if any(a in ("--help", "-h", "-help") for a in sys.argv[1:]):
        print(sys.modules["__main__"].__doc__)
        print(flags.FLAGS.module_help(sys.modules["__main__"]))
        print(flags.FLAGS.module_help(sys.modules[__name__]))
        print(
            "  --flagfile: read flags from a file, here or in scripts/flags; later flags override"
        )
        sys.exit(0)
    try:
        parsed = parser(sys.argv)
    except (flags.Error, OSError) as error:
        fail(error)
        sys.exit(2)
    try:
        sys.exit(main(parsed))
    except KeyboardInterrupt:
        fail("interrupted outside of training; what was saved before is kept")
        sys.exit(130)


def fail(error):
    """Print an error as one line; return the exit status 1."""
    print(f"{pathlib.Path(sys.argv[0]).name}: {error}", file=sys.stderr)
    return 1


def _find_flagfiles(argv):
    """Look bare flagfile names up in scripts/flags; return the arguments and the last stem."""
    found, stem, after = [], "", False
    for argument in argv:
        name, equals, path = argument.partition("=")
        if after:
            path = argument
        if after or (name.lstrip("-") == "flagfile" and equals):
            if not pathlib.Path(path).exists() and (FLAGFILES / path).exists():
                path = str(FLAGFILES / path)
            if not pathlib.Path(path).is_file():
                known = ", ".join(sorted(p.name for p in FLAGFILES.glob("*.flags")))
                raise flags.Error(f"--flagfile={path}: no such file; scripts/flags has {known}")
            stem = pathlib.Path(path).stem
            found.append(path if after else f"{name}={path}")
        else:
            found.append(argument)
        after = argument.lstrip("-") == "flagfile" and argument.startswith("-") and not after
    return found, stem


def _last_of(argv, *names):
    """Keep, of flags that exclude each other, the one that was given last."""
    kept, last = [], None
    for argument in reversed(argv):
        name, equals, _ = argument.partition("=")
        if name.startswith("-") and f"--{name.lstrip('-')}" in names:
            last = last or name.lstrip("-")
            if name.lstrip("-") != last:
                if not equals:
                    kept.pop()  # the value stands behind the flag
                continue
        kept.append(argument)
    return kept[::-1]
