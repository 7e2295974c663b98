namespace Crosshead.Kernels.StepAttention;

/// <summary>How blocks of a decode kernel find the rows of queries that they compute.</summary>
internal enum RowsOfPass
{
    /// <summary>A block has a span of the sequence that the grid names.</summary>
    Grid,

    /// <summary>A block has an item of a list: a piece of a sequence (<see cref="PieceList"/>).</summary>
    Pieces,

    /// <summary>A block has several items of a list, one after the other (<see cref="ShareList"/>).</summary>
    Shares,
}
