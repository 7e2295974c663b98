using System.Runtime.Intrinsics;
using Crosshead.Attention.Caches;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// A few numbers of each cached token, [page][row][64 positions], in float32 or bfloat16: scales, or factors of scores.
/// </summary>
internal sealed unsafe class TokenNumbers : IDisposable
{
    private readonly PageTables _tables;
    private readonly int _rows, _size;
    private readonly NativeBuffer<byte> _numbers;

    /// <summary>Allocates the memory.</summary>
    /// <param name="rows">Numbers per token.</param>
    /// <param name="size">Bytes of a number: 4 or 2.</param>
    /// <param name="pages">Number of pages.</param>
    /// <param name="tables">The pages of each slot.</param>
    public TokenNumbers(int rows, int size, int pages, PageTables tables)
    {
        (_rows, _size, _tables) = (rows, size, tables);
        _numbers = new NativeBuffer<byte>((long)pages * PageBytes);
    }

    private int PageBytes => _rows * PageTables.PageTokens * _size;

    /// <summary>Writes the number of a position.</summary>
    public void Write(int slot, int row, int position, float number)
    {
        var at = At(slot, row, position);
        if (_size == sizeof(float)) *(float*)at = number;
        else *(PanelBFloat16*)at = PanelBFloat16.From(number);
    }

    /// <summary>The numbers of a position and the 15 after it; the position is a multiple of 16.</summary>
    public Vector512<float> Load(int slot, int row, int position)
    {
        var at = At(slot, row, position);
        return _size == sizeof(float) ? Vector512.Load((float*)at) : PanelBFloat16.Load((PanelBFloat16*)at);
    }

    /// <summary>y = x times the numbers of positions <paramref name="start"/> …, which is a multiple of 16.</summary>
    /// <param name="slot">The sequence's slot.</param>
    /// <param name="row">Which of the token's numbers.</param>
    /// <param name="start">First position.</param>
    /// <param name="length">Number of positions, a multiple of 16.</param>
    /// <param name="x">[length]</param>
    /// <param name="y">[length]; may be x.</param>
    public void Multiply(int slot, int row, int start, int length, float* x, float* y)
    {
        for (var i = 0; i < length; i += Panel.Lanes)
            (Vector512.Load(x + i) * Load(slot, row, start + i)).Store(y + i);
    }

    /// <summary>Sets the numbers of a page to zero.</summary>
    public void Clear(int page) => new Span<byte>(_numbers.Pointer + ((long)page * PageBytes), PageBytes).Clear();

    /// <inheritdoc/>
    public void Dispose() => _numbers.Dispose();

    private byte* At(int slot, int row, int position) => _numbers.Pointer
        + ((((((long)_tables.PageOf(slot, position) * _rows) + row) * PageTables.PageTokens)
            + (position % PageTables.PageTokens)) * _size);
}
