"""A PyTorch network on numbers becomes one signed file. What you did before it is declared, not code.

python pytorch_tabular.py OUT.bedside
"""

import sys

import torch
from masses import NAMES, answers, malignant, rows, split
from torch import nn

import bedside
from bedside.keys.signing import SigningKey
from bedside.runtime.runner import load

# Train: standardised numbers in, one logit out.
torch.manual_seed(1)
torch.set_num_threads(1)
values = torch.tensor(rows.to_numpy(), dtype=torch.float32)
truth = torch.tensor(malignant, dtype=torch.float32)[:, None]
centre, scale = values[split.train].mean(0), values[split.train].std(0)
net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
optimiser = torch.optim.Adam(net.parameters(), 0.02)
for _ in range(200):
    loss = nn.functional.binary_cross_entropy_with_logits(
        net((values[split.train] - centre) / scale), truth[split.train]
    )
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
net.eval()
with torch.no_grad():
    scores = net((values - centre) / scale)[:, 0].sigmoid().double().numpy()

# Freeze: the spec says what happens before the network, and what its number means.
before = [
    {"op": "select_numbers", "fields": NAMES, "output": "raw"},
    {"op": "standardise", "input": "raw", "output": "ready",
     "centre": centre.tolist(), "scale": scale.tolist()},
]  # fmt: skip
spec = answers("masses-pytorch", scores, preprocessing=before, network={"gives": "logit"})
frozen = bedside.freeze(
    net,
    data=rows.iloc[split.train],
    spec=bedside.make_spec(spec),
    key=SigningKey.new(),  # of a real author: bedside keys new author.pem
    out=sys.argv[1],
)
print(f"{frozen.package.manifest.ref}: largest difference {frozen.report.largest:.1e}")
for note in frozen.notes:
    print("note:", note)

mass = rows.iloc[split.test[0]].to_dict()
answer = load(frozen.package).predict([mass])[0]
print(f"{mass}: {answer.label}, {answer.scores['malignant']:.3f}")
