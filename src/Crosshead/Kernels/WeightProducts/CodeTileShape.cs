namespace Crosshead.Kernels.WeightProducts;

/// <summary>What the machine code of a <see cref="CodeTile{T}"/> depends on.</summary>
/// <param name="Sixteens">Rows of a tile, in sixteens: 1 or 2.</param>
/// <param name="Groups">As <see cref="ICodeBlock.Groups"/>.</param>
/// <param name="HasCenter">Whether products begin with what records have for the center of the codes. Otherwise a run
/// has a minimum.</param>
/// <param name="ScaleBytes">Bytes from the scales of a run to those of the next.</param>
/// <param name="MinimumBytes">Bytes from the scales of a run to its minima.</param>
/// <param name="SixteenBytes">Bytes from the scales of sixteen rows to those of the next sixteen.</param>
/// <param name="AheadBytes">Bytes of weights that are asked for while a run is multiplied: as many as it has.</param>
internal readonly record struct CodeTileShape(int Sixteens, int Groups, bool HasCenter, int ScaleBytes,
    int MinimumBytes, int SixteenBytes, int AheadBytes);
