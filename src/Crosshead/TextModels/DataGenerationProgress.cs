namespace Crosshead.TextModels;

/// <summary>Progress of a data set that a model writes.</summary>
/// <param name="Tokens">Tokens written.</param>
/// <param name="TotalTokens">Number of tokens requested.</param>
/// <param name="Documents">Documents written.</param>
/// <param name="Before">Tokens that existed at the start of this run.</param>
/// <param name="Cut">Documents of this run that reached the maximum length before their end.</param>
/// <param name="UnderWay">Tokens of the documents in progress. With the written tokens they may exceed the requested
/// number.</param>
public readonly record struct DataGenerationProgress(long Tokens, long TotalTokens, long Documents, long Before,
    long Cut, long UnderWay);
