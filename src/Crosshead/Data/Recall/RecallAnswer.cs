namespace Crosshead.Data.Recall;

/// <summary>A place in a text where what stands there is known from before. A space stands before it.</summary>
/// <param name="Start">Its first character.</param>
/// <param name="Length">Its length in characters.</param>
public readonly record struct RecallAnswer(int Start, int Length);
