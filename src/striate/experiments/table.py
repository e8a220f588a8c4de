"""Every experiment by name."""

from striate.experiments.result import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    one.name: one
    for one in (
        Experiment(
            "counting",
            "Parameters, neurons, connections, operations and what a unit sees",
            "the lectures' slides and the papers of their networks",
            "counting",
        ),
        Experiment(
            "approaches-small",
            "Four approaches on few photographs: fine-tuning, transfer, visual words, from scratch",
            "the lectures' table on VOC'07, and their order of approaches",
            "approaches",
            needs=("clothing",),
            lasts=("1 min", "20 min"),
            function="small",
        ),
        Experiment(
            "approaches-medium",
            "The same on 25,000 pictures: does learning from scratch overtake kept features?",
            "the lectures' table on Food (LIP6)",
            "approaches",
            needs=("cifar10",),
            lasts=("1 min", "30 min"),
            function="medium",
        ),
        Experiment(
            "approaches-shifted",
            "The same far from photographs: chest X-rays",
            "the lectures' table on M2CAI'16",
            "approaches",
            needs=("chest_xray",),
            lasts=("1 min", "10 min"),
            function="shifted",
        ),
        Experiment(
            "gan-one-dimension",
            "The best discriminator, and the game that ends at the data",
            "Goodfellow et al. 2014, Section 4 and Figure 1",
            "gan_one_dimension",
        ),
        Experiment(
            "gan-rings",
            "Eight Gaussians on a circle: are all of them found?",
            "Metz et al. 2017 (arXiv:1611.02163), Section 3.1",
            "gan_rings",
        ),
        Experiment(
            "initialization",
            "How far networks of 8, 20 and 56 layers learn from which first weights",
            "Glorot & Bengio 2010; He et al. 2015 and 2016; Saxe et al. 2014; Ioffe & Szegedy 2015",
            "initialization",
            ("mnist",),
            ("1 minute", "20 minutes"),
        ),
        Experiment(
            "layers-out",
            "AlexNet's form without its layers 7; 6 and 7; 3 and 4; all four",
            "R. Fergus's experiment in the lectures; Zeiler & Fergus 2013, Section 5.1",
            "layers_out",
            ("cifar10",),
            ("1 minute", "25 minutes"),
        ),
        Experiment(
            "keras-programs",
            "Logistic regression, a ConvNet, and why its sigmoid gave place to rectifiers",
            "the lectures' Keras programs; Krizhevsky et al. 2012, Figure 1; Xu et al. 2015",
            "keras_programs",
            ("mnist",),
            ("1 minute", "25 minutes"),
        ),
    )
}
