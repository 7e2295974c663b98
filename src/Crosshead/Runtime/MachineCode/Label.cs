namespace Crosshead.Runtime.MachineCode;

/// <summary>A place in a function that jumps go to.</summary>
internal sealed class Label
{
    /// <summary>Where it is, in bytes from the beginning; −1 while it is not known.</summary>
    public int Place { get; set; } = -1;

    /// <summary>Ends of the jumps that were written before the place was known.</summary>
    public List<int> Jumps { get; } = [];
}
