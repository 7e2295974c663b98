namespace Crosshead.Generation;

/// <summary>How far a model has come with a data set.</summary>
/// <param name="Tokens">Tokens written.</param>
/// <param name="TotalTokens">Tokens wanted.</param>
/// <param name="Documents">Documents written.</param>
/// <param name="Before">Tokens that were there when this run began.</param>
/// <param name="Cut">Documents written in this run that reached the most tokens of a document before their end.</param>
/// <param name="UnderWay">Tokens of the documents under way, which may become more than are wanted.</param>
public readonly record struct DataGenerationProgress(long Tokens, long TotalTokens, long Documents, long Before, long Cut, long UnderWay);
