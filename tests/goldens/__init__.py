"""Values of the reference tools, and the arrays that they belong to."""

import json
import pathlib

GOLDENS = json.loads(pathlib.Path(__file__).with_name("goldens.json").read_text())
