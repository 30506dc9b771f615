#!/usr/bin/env python
"""Score a generator: a table, scores.json, and report.html, which needs no network.

python scripts/evaluate.py --run=saved_models/wgan
python scripts/evaluate.py --saved_model=saved_models/wgan/export
python scripts/evaluate.py --real=photos --fake=pictures
python scripts/evaluate.py --run=saved_models/wgan --extractor=inception --weights=inception.h5
python scripts/evaluate.py --compare a/scores.json b/scores.json
"""

import pathlib

import command_line

command_line.define_config_flags("Evaluation")


def parse(argv):
    """Return the options; the files that follow --compare may stand apart."""
    joined = []
    for argument in argv:
        if joined and joined[-1].startswith("--compare=") and not argument.startswith("-"):
            joined[-1] += ("" if joined[-1].endswith("=") else ",") + argument
        else:
            joined.append("--compare=" if argument == "--compare" else argument)
    return command_line.parse_config(joined, table="Evaluation")


def main(config):
    """Score, print and write; return the exit status."""
    from keras_gans import (  # imports TensorFlow: not for --help
        evaluation,
        experiment,
        metrics,
        model_card,
    )

    try:
        if config.compare:
            print(evaluation.ranking([metrics.load_scores(file) for file in config.compare_files]))
            return 0
        gan = experiment.load_run(config.run, config.checkpoint) if config.run else None
        result = evaluation.evaluate(config, evaluation.load_real(config), gan)
        output = pathlib.Path(config.output or pathlib.Path(config.run, "evaluation"))
        evaluation.write(result, output)
        if config.run and pathlib.Path(config.run, model_card.FACTS).is_file():
            model_card.write(config.run)
    except experiment.USER_ERRORS as error:
        return command_line.fail(error)
    print(evaluation.table(result.scores))
    print(f"the report is {output / 'report.html'}, the scores are in scores.json beside it")
    return 0


if __name__ == "__main__":
    command_line.run(main, parse)
