namespace Crosshead.Evaluation.Tasks;

/// <summary>How a task asks: what a model is given, and what of it is scored.</summary>
public enum TaskKind
{
    /// <summary>One of several continuations is right; the one with the highest log-likelihood is taken.</summary>
    Choice,

    /// <summary>
    /// One continuation, the last word of a text: is it what greedy decoding writes, and how likely is it?
    /// </summary>
    LastWord,

    /// <summary>A text is read from its beginning; how likely is it?</summary>
    Text,

    /// <summary>The model writes; an answer is found in its text and compared with the right one.</summary>
    Generation,
}
