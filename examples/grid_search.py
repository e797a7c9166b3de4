"""Grid search with scikit-learn: a pipeline ends in a network, whose rule and rate are chosen by cross-validation.

Two processes share the work, and the cores. Scaling is a step of the pipeline: every fold scales by its own training
part alone.
"""

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler

from fastpc import PCClassifier

x, test_x, y, test_y = train_test_split(*load_digits(return_X_y=True), random_state=0)
network = PCClassifier(hidden_layer_sizes=(64,), early_stopping=True, random_state=0)
pipeline = Pipeline([("scale", MinMaxScaler()), ("network", network)])
grid = {"network__rule": ["pc", "ipc"], "network__learning_rate_init": [0.001, 0.01]}
search = GridSearchCV(pipeline, grid, cv=3, n_jobs=2).fit(x, y)

results = search.cv_results_
for settings, score in zip(results["params"], results["mean_test_score"], strict=True):
    print(f"{score:.2%} in cross-validation with {settings}")
print(f"the best of these: {search.score(test_x, test_y):.2%} of the test digits")
