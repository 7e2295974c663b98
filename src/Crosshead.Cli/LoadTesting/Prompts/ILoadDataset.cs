namespace Crosshead.Cli.LoadTesting.Prompts;

/// <summary>Makes the requests of a load test.</summary>
internal interface ILoadDataset
{
    /// <summary>The data set in words, with its lengths.</summary>
    string Description { get; }

    /// <summary>Makes requests. Equal random numbers give equal requests.</summary>
    /// <param name="count">Number of requests.</param>
    /// <param name="random">Source of lengths and texts.</param>
    IReadOnlyList<LoadRequest> Draw(int count, Random random);
}
