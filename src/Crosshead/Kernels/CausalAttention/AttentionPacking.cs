using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crosshead.Kernels.Common;
using Crosshead.Kernels.Products;

namespace Crosshead.Kernels.CausalAttention;

/// <summary>Copies heads between tensors and the float32 scratch memory of the attention kernels.</summary>
internal static unsafe class AttentionPacking
{
    /// <summary>
    /// Rows of a head → panels of 32 (the last of 16) columns, each panel [rows, its width]: the right factor of a
    /// product whose sums run over the rows.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Panels<T>(T* head, nint stride, int rows, int width, int paddedWidth, float* panels)
        where T : unmanaged, IElement<T>
    {
        for (var column = 0; column < paddedWidth; column += MatrixTile.PanelWidth)
        {
            var panelWidth = Math.Min(MatrixTile.PanelWidth, paddedWidth - column);
            for (var row = 0; row < rows; row++)
            {
                for (var i = 0; i < panelWidth; i += Lanes.Count)
                {
                    var values = column + i < width ? Lanes.Load(head + row * stride, column + i, width)
                        : Vector512<float>.Zero;
                    values.Store(panels + row * panelWidth + i);
                }
            }
            panels += (long)rows * panelWidth;
        }
    }

    /// <summary>
    /// Rows of a head → panels of 32 rows, each transposed to [width, 32] and filled up with zeros: the right factor of
    /// a product whose sums run over the width.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void TransposedPanels<T>(T* head, nint stride, int rows, int width, float* panels)
        where T : unmanaged, IElement<T>
    {
        var block = stackalloc float[MatrixTile.PanelWidth * Lanes.Count];
        for (var first = 0; first < rows; first += MatrixTile.PanelWidth, panels += (long)width * MatrixTile.PanelWidth)
        {
            for (var column = 0; column < width; column += Lanes.Count)
            {
                for (var row = 0; row < MatrixTile.PanelWidth; row++)
                {
                    var values = first + row < rows ? Lanes.Load(head + (first + row) * stride, column, width)
                        : Vector512<float>.Zero;
                    values.Store(block + row * Lanes.Count);
                }
                var columns = Math.Min(Lanes.Count, width - column);
                for (var i = 0; i < columns; i++)
                {
                    var target = panels + (column + i) * MatrixTile.PanelWidth;
                    for (var row = 0; row < MatrixTile.PanelWidth; row++) target[row] = block[row * Lanes.Count + i];
                }
            }
        }
    }

    /// <summary>A stripe of rows, times a factor, padded with zeros to [16, paddedWidth].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows<T>(T* head, nint stride, int rows, int width, int paddedWidth, float factor, float* target)
        where T : unmanaged, IElement<T>
    {
        for (var row = 0; row < AttentionShape.Stripe; row++)
        {
            for (var i = 0; i < paddedWidth; i += Lanes.Count)
            {
                var values = row < rows ? Lanes.Load(head + row * stride, i, width) * factor : Vector512<float>.Zero;
                values.Store(target + row * paddedWidth + i);
            }
        }
    }

    /// <summary>Rows of scratch memory, times a factor, into a head.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Store<T>(float* source, int paddedWidth, int rows, int width, float factor, T* head, nint stride)
        where T : unmanaged, IElement<T>
    {
        for (var row = 0; row < rows; row++)
            for (var i = 0; i < width; i += Lanes.Count)
                Lanes.Store(head + row * stride, i, width,
                    Vector512.Load(source + (long)row * paddedWidth + i) * factor);
    }
}
