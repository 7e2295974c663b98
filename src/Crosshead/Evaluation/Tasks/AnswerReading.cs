namespace Crosshead.Evaluation.Tasks;

/// <summary>How a choice task's field <c>answer</c> says which choice is right.</summary>
public enum AnswerReading
{
    /// <summary>The choice's position, from 0.</summary>
    Index,

    /// <summary>The choice's position, from 1.</summary>
    Number,

    /// <summary>One of the field <c>labels</c>, which stand in the order of the choices.</summary>
    Label,

    /// <summary>A letter: A for the first choice.</summary>
    Letter,

    /// <summary>The right choice itself.</summary>
    Text,
}
