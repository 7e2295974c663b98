namespace Crosshead.Decoding.Cpu;

/// <summary>Which experts the tokens of a pass are given, and what their outputs weigh.</summary>
/// <param name="perToken">Most experts a token.</param>
internal sealed class ExpertRoutes(int perToken)
{
    private readonly (int Expert, float Weight)[,] _routes = new (int, float)[perToken, PassBlock.MaxRows];

    /// <summary>Choice number <paramref name="choice"/> of a token.</summary>
    public (int Expert, float Weight) this[int choice, int row]
    {
        get => _routes[choice, row];
        set => _routes[choice, row] = value;
    }

    /// <summary>Tokens from <paramref name="row"/> on whose choice is the same expert: they share the reading of it.</summary>
    public int Run(int choice, int row, int rows)
    {
        var end = row + 1;
        while (end < rows && _routes[choice, end].Expert == _routes[choice, row].Expert) end++;
        return end - row;
    }
}
