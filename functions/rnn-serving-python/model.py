"""A character-level recurrent network that writes names, one letter at a time, in a language's manner.

The input of a step is a language and a letter, both one-hot, and the hidden state of 128 numbers; three linear layers make
the next hidden state and the logarithms of the next letter's probabilities from it (49.6 thousand weights in 32-bit
floats). It is the network of vSwarm's rnn-serving with numpy in place of PyTorch, and with weights that nobody trained:
the arithmetic is the same, the names are not names.
"""

import string

import numpy as np

LANGUAGES = (
    "Arabic Chinese Czech Dutch English French German Greek Irish Italian Japanese Korean Polish Portuguese Russian "
    "Scottish Spanish Vietnamese"
).split()
LETTERS = string.ascii_letters + " .,;'-"
# One more symbol than there are letters: the end of the name.
SYMBOLS = len(LETTERS) + 1
END = SYMBOLS - 1
HIDDEN = 128
LONGEST = 20


def splitmix64(seed, count):
    """`count` random 64-bit numbers (Steele, Lea, Flood, OOPSLA 2014): the same with every version of numpy."""
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


class Linear:
    """y = Wx + b with weights drawn evenly around zero, wide enough for the state not to fade from letter to letter."""

    def __init__(self, inputs, outputs, seed):
        drawn = splitmix64(seed, outputs * (inputs + 1)) >> np.uint64(40)
        even = drawn.astype(np.float32) / np.float32(1 << 23) - np.float32(1)
        weights = (even * np.float32((3 / HIDDEN) ** 0.5)).reshape(outputs, inputs + 1)
        self.weight = np.ascontiguousarray(weights[:, :-1])
        self.bias = np.ascontiguousarray(weights[:, -1])

    def __call__(self, x):
        return self.weight @ x + self.bias


def log_softmax(x):
    shifted = x - x.max()
    return shifted - np.log(np.exp(shifted).sum())


class Network:
    """The three layers."""

    def __init__(self, seed):
        inputs = len(LANGUAGES) + SYMBOLS + HIDDEN
        self.to_hidden = Linear(inputs, HIDDEN, seed)
        self.to_output = Linear(inputs, SYMBOLS, seed + 1_000_000)
        self.from_both = Linear(HIDDEN + SYMBOLS, SYMBOLS, seed + 2_000_000)

    def step(self, language, letter, hidden):
        """The next letter's log-probabilities and the next hidden state."""
        x = np.concatenate((language, letter, hidden))
        hidden = self.to_hidden(x)
        output = self.from_both(np.concatenate((hidden, self.to_output(x))))
        return log_softmax(output), hidden

    def write(self, language, first):
        """A name that begins with `first`: always the likeliest letter, until the end or 20 letters."""
        category = one_hot(LANGUAGES.index(language), len(LANGUAGES))
        hidden = np.zeros(HIDDEN, dtype=np.float32)
        name = first
        while len(name) < LONGEST:
            letter = one_hot(LETTERS.index(name[-1]), SYMBOLS)
            output, hidden = self.step(category, letter, hidden)
            likeliest = int(output.argmax())
            if likeliest == END:
                break
            name += LETTERS[likeliest]
        return name


def one_hot(index, size):
    x = np.zeros(size, dtype=np.float32)
    x[index] = 1
    return x
