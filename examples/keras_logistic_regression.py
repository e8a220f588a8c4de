"""Logistic regression on digits in Keras, as the lectures write it: 7,850 parameters.

    KERAS_BACKEND=torch python examples/keras_logistic_regression.py [digits|mnist|FOLDER] [EPOCHS]

Only the line that loads the data is another. What it built is a network of ours in the end.
"""
# ruff: noqa: E402, I001 (the lines stand in the lectures' order)

import sys

word = sys.argv[1] if len(sys.argv) > 1 else "digits"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20

# Define an empty network, then add a full connection and the softmax.
from keras.models import Sequential

model = Sequential()

from keras.layers import Dense, Activation

model.add(Dense(10, input_dim=784, name="fc1"))
model.add(Activation("softmax"))

# Compile it with the cross-entropy.
from keras.optimizers import SGD

learning_rate = 0.5
sgd = SGD(learning_rate)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])

# Fit its parameters to the data.
from keras_data import load_data

(X_train, y_train), (X_test, y_test) = load_data(word)

from keras.utils import to_categorical

X_train, X_test = (X.reshape(-1, 784).astype("float32") / 255 for X in (X_train, X_test))
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)
model.fit(X_train, y_train, batch_size=128, epochs=epochs, verbose=2)

print(f"parameters: {model.count_params():,}")
print(f"accuracy on the test: {model.evaluate(X_test, y_test, verbose=0)[1]:.4f}")

# The same network, ours from here on.
import torch
from striate.models.keras_networks import from_keras

network = from_keras(model)
logits = network(torch.tensor(X_test).reshape(-1, 1, 28, 28))
right = logits.argmax(1).numpy() == y_test.argmax(1)
print(f"accuracy in striate: {right.mean():.4f}")
