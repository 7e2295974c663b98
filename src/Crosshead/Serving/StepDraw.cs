namespace Crosshead.Serving;

/// <summary>What a step gives one choice.</summary>
/// <param name="Choice">The choice.</param>
/// <param name="Row">The row of the first of its tokens in the pass.</param>
/// <param name="Count">Number of its tokens in the pass.</param>
internal record struct StepDraw(Choice Choice, int Row, int Count)
{
    /// <summary>What was drawn; null where more of the prompt is to be computed, or the request failed.</summary>
    public EngineEvent? Event { get; set; }

    /// <summary>Why the request failed; null where it did not.</summary>
    public CrossheadException? Failure { get; set; }
}
