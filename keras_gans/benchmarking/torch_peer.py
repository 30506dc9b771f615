"""The contestant on PyTorch: the same games, as a person would write them there.

PyTorch is imported when a contestant is made and only then. This file is run in an environment of
its own, without this package.
"""

import math
import time


def eager(workload, device):
    """Return the contestant that runs line by line."""
    return Torch(workload, device, compiled=False)


def compiled(workload, device):
    """Return the contestant whose losses `torch.compile` compiles, gradient penalty and all."""
    return Torch(workload, device, compiled=True)


KINDS = {"torch": eager, "torch_compile": compiled}


class Torch:
    """A workload on PyTorch.

    Fresh data and noise in each update, generated samples without a gradient where the
    discriminator learns, no gradient for the discriminator's weights where the generator does,
    R1 and R2 on the logits' own forward pass, Adam in its fused form. Images are tried in both
    memory formats, and the faster one is taken.

    Args:
        workload: the fields of a `Workload`, a dict.
        device: "cpu" or "gpu".
        compiled: whether `torch.compile` compiles the losses.
    """

    def __init__(self, workload, device, compiled):
        import torch

        self.torch, self.workload, self.compiled = torch, workload, compiled
        if device == "gpu" and not torch.cuda.is_available():
            raise RuntimeError("PyTorch finds no GPU here")
        self.device = "cuda" if device == "gpu" else "cpu"
        if workload["precision"] == "mixed_float16":
            raise RuntimeError("float16 is not written here: its losses would need to be scaled")
        torch.backends.cuda.matmul.allow_tf32 = workload["tf32"]
        torch.backends.cudnn.allow_tf32 = workload["tf32"]
        formats = [torch.contiguous_format]
        if len(workload["shape"]) == 3 and workload["network"] != "mlp":
            formats.append(torch.channels_last)
        made, firsts, seconds = {}, {}, {}
        for layout in formats:
            made[layout] = self._build(layout)
            self.__dict__.update(made[layout])
            try:
                firsts[layout] = self.run(1)["seconds"]
            except (RuntimeError, AssertionError):  # torch.compile knows some in one format only
                if layout == formats[-1] and not firsts:
                    raise
                continue
            if len(formats) > 1:
                self.run(2)
                seconds[layout] = min(self.run(2)["seconds"] for _ in range(3))
        best = min(seconds, key=seconds.get) if seconds else formats[0]
        self.__dict__.update(made[best])
        self.first_step = firsts[best]
        self.note = f"torch {torch.__version__}, {torch.get_num_threads()} threads" + (
            f", {str(best).removeprefix('torch.')}" if seconds else ""
        )
        self.parameters = [
            sum(p.numel() for p in network.parameters()) for network in (self.G, self.D)
        ]

    def _build(self, layout):
        torch, workload = self.torch, self.workload
        torch.manual_seed(0)
        G, D = networks(torch, workload)
        options = {
            "lr": workload["learning_rate"],
            "betas": (workload["beta_1"], workload["beta_2"]),
            "fused": True,
        }
        *size, channels = workload["shape"]
        if size:
            G, D = G.to(self.device, memory_format=layout), D.to(self.device, memory_format=layout)
            data = torch.rand(2048, channels, *size, device=self.device) * 2 - 1
            data = data.to(memory_format=layout)
        else:
            G, D = G.to(self.device), D.to(self.device)
            angles = torch.arange(8, device=self.device) * (2 * math.pi / 8)
            data = 2 * torch.stack([angles.cos(), angles.sin()], 1)
        wrap = torch.compile if self.compiled else lambda function: function
        half = workload["precision"] != "float32"
        cast = torch.autocast(self.device, torch.bfloat16) if half else lambda function: function
        return {
            "G": G,
            "D": D,
            "data": data,
            "d_optimizer": torch.optim.Adam(D.parameters(), **options),
            "g_optimizer": torch.optim.Adam(G.parameters(), **options),
            "sample": wrap(cast(lambda z: G(z))),
            "d_loss": wrap(cast(self._discriminator_loss(D))),
            "g_loss": wrap(cast(self._generator_loss(G, D))),
        }

    def first(self):
        """Do nothing: the first step is made where the memory format is chosen."""

    def run(self, steps):
        """Make steps; return how long they took."""
        torch = self.torch
        started = time.perf_counter()
        if self.workload["generation"]:
            self.G.train(False)
            with torch.inference_mode():
                images = [self.sample(self._latent()) for _ in range(steps)]
            torch.cat(images).float().cpu().numpy()
        else:
            for _ in range(steps):
                self._step()
            if self.device == "cuda":
                torch.cuda.synchronize()
        return {"seconds": time.perf_counter() - started, "steps": steps}

    def _step(self):
        torch = self.torch
        for _ in range(self.workload["discriminator_steps"]):
            real = self._real()
            with torch.no_grad():
                fake = self.sample(self._latent())
            alpha = torch.rand(len(real), *[1] * (real.dim() - 1), device=self.device)
            self.d_optimizer.zero_grad(set_to_none=True)
            self.d_loss(real, fake, alpha).backward()
            self.d_optimizer.step()
        self.D.requires_grad_(False)
        self.g_optimizer.zero_grad(set_to_none=True)
        self.g_loss(self._latent(), self._real() if self._relativistic else None).backward()
        self.g_optimizer.step()
        self.D.requires_grad_(True)

    @property
    def _relativistic(self):
        return self.workload["loss"].startswith("relativistic")

    def _latent(self):
        shape = self.workload["batch"], self.workload["latent_dim"]
        return self.torch.randn(*shape, device=self.device)

    def _real(self):
        torch, batch = self.torch, self.workload["batch"]
        real = self.data[torch.randint(len(self.data), (batch,), device=self.device)]
        return real if real.dim() > 2 else real + 0.02 * torch.randn_like(real)

    def _discriminator_loss(self, D):
        torch, workload = self.torch, self.workload
        objective = losses(torch)[workload["loss"]][0]
        penalties, strength = workload["penalty"].split("+"), workload["strength"]

        def slope(x):
            """Return (logits, gradient by x), differentiable once more."""
            if self.compiled:  # autograd.grad cannot be compiled, torch.func can
                gradient, logits = torch.func.grad(
                    lambda x: (lambda logits: (logits.sum(), logits))(D(x)), has_aux=True
                )(x)
                return logits, gradient
            x = x.detach().requires_grad_(True)
            logits = D(x)
            return logits, torch.autograd.grad(logits.sum(), x, create_graph=True)[0]

        def squared(gradient):
            return gradient.flatten(1).square().sum(1)

        def loss(real, fake, alpha):
            value = 0.0
            if "r1" in penalties:
                r, gradient = slope(real)
                value = value + 0.5 * strength * squared(gradient).mean()
            else:
                r = D(real)
            if "r2" in penalties:
                f, gradient = slope(fake)
                value = value + 0.5 * strength * squared(gradient).mean()
            else:
                f = D(fake)
            if "gradient_penalty" in penalties:
                _, gradient = slope(fake + alpha * (real - fake))
                norm = (squared(gradient) + 1e-12).sqrt()
                value = value + strength * (norm - 1).square().mean()
            return objective(r, f) + value

        return loss

    def _generator_loss(self, G, D):
        objective = losses(self.torch)[self.workload["loss"]][1]

        def loss(z, real):
            return objective(None if real is None else D(real), D(G(z)))

        return loss


def losses(torch):
    """Return the objectives by name: (of the discriminator, of the generator) on logits r, f."""
    softplus, relu = torch.nn.functional.softplus, torch.relu
    return {
        "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
        "hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda r, f: -f.mean()),
        "non_saturating": (
            lambda r, f: softplus(-r).mean() + softplus(f).mean(),
            lambda r, f: softplus(-f).mean(),
        ),
        "relativistic_pairing": (
            lambda r, f: softplus(f - r).mean(),
            lambda r, f: softplus(r - f).mean(),
        ),
    }


def networks(torch, workload):
    """Return (G, D), as `keras_gans.networks` has them; images are NCHW."""
    return {"mlp": mlp, "dcgan": dcgan, "resnet": resnet}[workload["network"]](torch.nn, workload)


def mlp(nn, workload):
    """Return the fully connected networks."""
    *size, channels = workload["shape"]
    width, depth = workload["width"], workload["depth"]
    length = math.prod(workload["shape"])

    def hidden(n):
        made = []
        for _ in range(depth):
            made += [nn.Linear(n, width), nn.LeakyReLU(0.2) if size else nn.ReLU()]
            n = width
        return made

    G = [*hidden(workload["latent_dim"]), nn.Linear(width, length)]
    G += [nn.Tanh(), nn.Unflatten(1, (channels, *size))] if size else []
    return nn.Sequential(*G), nn.Sequential(nn.Flatten(), *hidden(length), nn.Linear(width, 1))


def _base(size):
    n = 0
    while size % 2 == 0 and size // 2 >= 4:
        size, n = size // 2, n + 1
    return size, n


def dcgan(nn, workload):
    """Return transposed convolutions up and strided ones down."""
    size, _, channels = workload["shape"]
    width, (base, n) = workload["width"], _base(size)
    top = width * 2 ** (n - 1)
    G = [nn.Linear(workload["latent_dim"], base * base * top, bias=False)]
    G += [nn.Unflatten(1, (top, base, base)), nn.BatchNorm2d(top), nn.ReLU()]
    for i in reversed(range(n - 1)):
        filters = width * 2**i
        G += [nn.ConvTranspose2d(2 * filters, filters, 4, 2, 1, bias=False)]
        G += [nn.BatchNorm2d(filters), nn.ReLU()]
    G += [nn.ConvTranspose2d(width, channels, 4, 2, 1), nn.Tanh()]
    D, before = [], channels
    for i in range(n):
        D += [nn.Conv2d(before, width * 2**i, 4, 2, 1), nn.LeakyReLU(0.2)]
        before = width * 2**i
    D += [nn.Flatten(), nn.Linear(base * base * top, 1)]
    return nn.Sequential(*G), nn.Sequential(*D)


def resnet(nn, workload):
    """Return residual blocks; the discriminator's weights are spectrally normalized if asked."""
    size, _, channels = workload["shape"]
    width, (base, n) = workload["width"], _base(size)
    spectral = workload["discriminator_norm"] == "spectral"
    normalized = nn.utils.parametrizations.spectral_norm if spectral else lambda layer: layer

    class Sum(nn.Module):
        def __init__(self, path, shortcut):
            super().__init__()
            self.path, self.shortcut = path, shortcut

        def forward(self, x):
            return self.path(x) + self.shortcut(x)

    def up():
        first = [nn.BatchNorm2d(width), nn.ReLU(), nn.Upsample(scale_factor=2)]
        first += [nn.Conv2d(width, width, 3, padding=1)]
        second = [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)]
        return Sum(nn.Sequential(*first, *second), nn.Upsample(scale_factor=2))

    def down(before, pool, first=False):
        path = [] if first else [nn.ReLU()]
        path += [normalized(nn.Conv2d(before, width, 3, padding=1)), nn.ReLU()]
        path += [normalized(nn.Conv2d(width, width, 3, padding=1))]
        shortcut = [nn.AvgPool2d(2)] if pool else []
        path += shortcut
        if before != width:
            shortcut = [*shortcut, normalized(nn.Conv2d(before, width, 1))]
        return Sum(nn.Sequential(*path), nn.Sequential(*shortcut))

    G = [
        nn.Linear(workload["latent_dim"], base * base * width),
        nn.Unflatten(1, (width, base, base)),
    ]
    G += [up() for _ in range(n)]
    G += [nn.BatchNorm2d(width), nn.ReLU(), nn.Conv2d(width, channels, 3, padding=1), nn.Tanh()]
    D = [down(channels if i == 0 else width, pool=True, first=i == 0) for i in range(n)]
    D += [down(width, pool=False), nn.ReLU(), nn.AvgPool2d(base, divisor_override=1)]
    D += [nn.Flatten(), normalized(nn.Linear(width, 1))]
    return nn.Sequential(*G), nn.Sequential(*D)
