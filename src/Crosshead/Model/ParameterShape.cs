namespace Crosshead.Model;

/// <summary>A parameter of a model that need not exist.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shape">Its shape.</param>
internal sealed record ParameterShape(string Name, long[] Shape);
