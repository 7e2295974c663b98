namespace Crosshead.Decoding.Cpu;

/// <summary>The experts of the tokens of a pass, and the weights of their outputs.</summary>
/// <param name="perToken">Maximum number of experts per token.</param>
internal sealed class ExpertRoutes(int perToken)
{
    private readonly (int Expert, float Weight)[,] _routes = new (int, float)[perToken, PassBlock.MaxRows];

    /// <summary>Expert and weight of choice number <paramref name="choice"/> of a token.</summary>
    public (int Expert, float Weight) this[int choice, int row]
    {
        get => _routes[choice, row];
        set => _routes[choice, row] = value;
    }

    /// <summary>
    /// Number of neighbouring tokens from <paramref name="row"/> on with the same expert. The expert is read once for
    /// all of them.
    /// </summary>
    public int Run(int choice, int row, int rows)
    {
        var end = row + 1;
        while (end < rows && _routes[choice, end].Expert == _routes[choice, row].Expert) end++;
        return end - row;
    }
}
