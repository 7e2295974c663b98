using Crosshead.Checkpoints.Safetensors;

namespace Crosshead.Checkpoints.HuggingFace.Quantized;

/// <summary>Which scale belongs to which elements of a matrix.</summary>
/// <param name="Numbers">The scales: a row for some rows of the matrix, a column for some of its columns.</param>
/// <param name="RowsEach">Rows of the matrix per row of scales; the last may have fewer.</param>
/// <param name="ColumnsEach">Columns of the matrix per column of scales; the last may have fewer.</param>
/// <param name="GroupOfColumn">A stored tensor with the column of scales of each column of the matrix; null where the
/// columns are in order.</param>
internal sealed record ScaleGrid(StoredNumbers Numbers, long RowsEach, long ColumnsEach,
    SafetensorsEntry? GroupOfColumn = null);
