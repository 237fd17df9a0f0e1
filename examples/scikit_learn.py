"""A fitted scikit-learn pipeline becomes one signed file that gives the same answers everywhere.

python scikit_learn.py OUT.bedside
"""

import sys

import numpy as np
from masses import answers, malignant, rows, split
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bedside
from bedside.keys.signing import SigningKey
from bedside.runtime.runner import load

# Train as ever, on raw columns, every step inside the pipeline.
names = np.where(malignant, "malignant", "benign")
model = make_pipeline(StandardScaler(), LogisticRegression())
model.fit(rows.iloc[split.train], names[split.train])
scores = model.predict_proba(rows)[:, list(model.classes_).index("malignant")]

# Freeze: the scaler becomes a declared operation, the regression ONNX; both are compared with yours.
frozen = bedside.freeze(
    model,
    data=rows.iloc[split.train],
    spec=bedside.make_spec(answers("masses-scikit-learn", scores)),
    key=SigningKey.new(),  # of a real author: bedside keys new author.pem
    out=sys.argv[1],
)
print(f"{frozen.package.manifest.ref}: largest difference {frozen.report.largest:.1e}")

# Ask the frozen model; without a site the answer is recorded nowhere.
mass = rows.iloc[split.test[0]].to_dict()
answer = load(frozen.package).predict([mass])[0]
print(f"{mass}: {answer.label}, {answer.scores['malignant']:.3f}")
