using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Attention.Caches;

/// <summary>Rows of tokens in pages: [pages, rows, P, …].</summary>
internal static class PagedRows
{
    /// <summary>Writes tokens to the pages of their sequences.</summary>
    /// <param name="pages">[pages, r, P, …]</param>
    /// <param name="rows">[B, r, N, …]; B or N is 1.</param>
    /// <param name="place">
    /// Where they go: one token of each sequence at <see cref="CachePlace.Positions"/>, or N tokens of one sequence
    /// from <see cref="CachePlace.Start"/> on.
    /// </param>
    public static void Write(Tensor pages, Tensor rows, CachePlace place)
    {
        var (table, size) = (place.Table!, pages.shape[2]);
        Tensor page, offset;
        if (place.Positions is { } positions)
        {
            using Scalar divisor = size; // named, so that it is not collected while native code reads it
            page = table.gather(1, positions.floor_divide(divisor).unsqueeze(1)).squeeze(1);            // [B]
            offset = positions.remainder(divisor);
            pages.index_put_(rows.squeeze(2), TensorIndex.Tensor(page), TensorIndex.Colon, TensorIndex.Tensor(offset));
            return;
        }
        var count = rows.shape[2];
        var (first, last) = (place.Start / size, (place.Start + count - 1) / size);
        page = table[0].narrow(0, first, last - first + 1).repeat_interleave(size)
            .narrow(0, place.Start % size, count);                                                      // [N]
        offset = arange(place.Start, place.Start + count, ScalarType.Int64, pages.device);
        using Scalar tokens = size;
        offset = offset.remainder(tokens);
        pages.index_put_(rows[0].transpose(0, 1), TensorIndex.Tensor(page), TensorIndex.Colon,
            TensorIndex.Tensor(offset));
    }

    /// <summary>Copies the first tokens of sequences from their pages.</summary>
    /// <param name="pages">[pages, r, P, …]</param>
    /// <param name="table">The pages of each sequence, [B, n].</param>
    /// <param name="seen">Number of tokens T.</param>
    /// <returns>[B, r, T, …]</returns>
    public static Tensor Gather(Tensor pages, Tensor table, long seen)
    {
        var size = pages.shape[2];
        var (batch, count) = (table.shape[0], (seen + size - 1) / size);
        long[] rest = pages.shape[3..];
        var taken = pages.index_select(0, table.narrow(1, 0, count).reshape(-1));                       // [B·n,r,P,…]
        return taken.view([batch, count, pages.shape[1], size, .. rest]).transpose(1, 2)
            .reshape([batch, pages.shape[1], count * size, .. rest]).narrow(2, 0, seen);
    }
}
