"""From the times of all turns to the numbers of the tables."""

from keras_gans.benchmarking import interleaved

TITLES = {
    "fit": "keras_gans, fit",
    "bare": "bare tf.function",
    "keras": "plain Keras",
    "torch": "PyTorch eager",
    "torch_compile": "torch.compile",
    "products": "the products alone",
    "input": "the input pipeline alone",
}


def rows(results):
    """Return a dict for each contestant on each workload, in the order of the results.

    | key | what |
    |---|---|
    | `images` | images a second: median, least and greatest of the turns |
    | `milliseconds` | of a step |
    | `times` | how many times as fast the library's `fit` is, round by round |
    | `rate` | 1e9 operations a second of the products that the step must make |
    | `of_peak` | that, as a share of the machine's rate at large sizes, round by round |
    | `of_products` | time of the products alone over the step's time, round by round |
    | `first_step`, `memory` | seconds; bytes at the peak |
    """
    found = []
    for name, measured in results["workloads"].items():
        contestants, images = measured["contestants"], measured["images_a_step"]
        products = contestants.get("products", {})
        fit = contestants["fit"]["step_seconds"]
        for kind, made in contestants.items():
            row = {"workload": name, "kind": kind, "title": TITLES.get(kind, kind)}
            if "error" in made:
                found.append(row | {"error": made["error"]})
                continue
            seconds = made["step_seconds"]
            row |= {
                "images": interleaved.spread([images / s for s in seconds]),
                "milliseconds": interleaved.spread([1e3 * s for s in seconds]),
                "times": interleaved.ratios(seconds, fit),
                "first_step": made["first_step"],
                "memory": made["memory"],
                "note": made.get("note", ""),
            }
            if "flops" in products and kind != "input":
                rates = [products["flops"] / s / 1e9 for s in seconds]
                peak = [max(pair) for pair in zip(*products["peak"].values(), strict=True)]
                row["rate"] = interleaved.spread(rates)
                row["of_peak"] = interleaved.ratios(rates, peak)
                row["of_products"] = interleaved.ratios(products["step_seconds"], seconds)
            found.append(row)
    return found
