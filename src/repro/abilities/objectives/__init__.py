"""What a training objective leaves a model able to do: name hidden tags, write lines, fill in what is missing."""
