"""One class a text: the task, its methods, and the recognizers they make.

task         what this task owes the house (`striate.tasks.contract`)
inputs       what a person names: files, folders, lines of standard input
reading      from a text to its words, the same in learning and in use
bag          a bag of words and a linear classifier; network: Kim's ConvNet on word vectors
bow, kim     how those learn; problem: cross-entropy for `striate.fit`
explaining   which words spoke for an answer; sections: parts of the report
"""
