"""A convolutional network on digits in Keras, as the lectures write it: 366,806 parameters.

    KERAS_BACKEND=torch python examples/keras_convolutional_network.py [digits|FOLDER] [EPOCHS]

Only the line that loads the data is another. What it built is a network of ours in the end.
"""
# ruff: noqa: E402, I001 (the lines stand in the lectures' order)

import sys

word = sys.argv[1] if len(sys.argv) > 1 else "digits"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20

from keras.layers import Conv2D, Dense, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.optimizers import SGD

nb_classes = 10

# Convolution and pooling twice, then two full connections.
s = (5, 5)
ish = (28, 28, 1)
model = Sequential()
model.add(Conv2D(32, kernel_size=s, activation="sigmoid", input_shape=ish, padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(64, (5, 5), activation="sigmoid", padding="same"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(100, activation="sigmoid"))
model.add(Dense(nb_classes, activation="softmax"))

# The code for training remains as it was: back-propagation does the job.
learning_rate = 0.5
sgd = SGD(learning_rate)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])

from keras_data import load_data

(X_train, y_train), (X_test, y_test) = load_data(word)

from keras.utils import to_categorical

X_train, X_test = (X.reshape(-1, *ish).astype("float32") / 255 for X in (X_train, X_test))
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)
model.fit(X_train, y_train, batch_size=128, epochs=epochs, verbose=2)

print(f"parameters: {model.count_params():,}")
print(f"accuracy on the test: {model.evaluate(X_test, y_test, verbose=0)[1]:.4f}")

# The same network, ours from here on.
import torch
from striate.models.keras_networks import from_keras

network = from_keras(model)
with torch.inference_mode():
    logits = network(torch.tensor(X_test).permute(0, 3, 1, 2))
right = logits.argmax(1).numpy() == y_test.argmax(1)
print(f"accuracy in striate: {right.mean():.4f}")
