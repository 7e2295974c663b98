using Crosshead.Kernels.Common;
using Crosshead.Kernels.Experts;
using Crosshead.Kernels.Gating;
using Crosshead.Kernels.Products;
using Crosshead.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Kernels.WeightProducts;

/// <summary>
/// A weight that stays quantised on a CUDA device, of one or more matrices with the same inputs. A few tokens are
/// multiplied by the packed numbers, which are exactly those of the file. For more tokens the numbers become bfloat16
/// within the product, and for very many the weight becomes a bfloat16 tensor, piece by piece.
/// </summary>
internal sealed class PackedMatrix : IDisposable
{
    private readonly PackedPart[] _parts;
    private readonly DenseScratch _scratch;
    private readonly bool _owns;

    private PackedMatrix(PackedPart[] parts, DenseScratch scratch, bool owns)
    {
        (_parts, _scratch, _owns) = (parts, scratch, owns);
        (Rows, Columns) = (parts.Sum(p => p.Rows), parts[0].Columns);
    }

    /// <summary>Number of outputs.</summary>
    public long Rows { get; }

    /// <summary>Number of inputs.</summary>
    public int Columns { get; }

    /// <summary>The matrices that it was made of, which last as long as it does.</summary>
    public IReadOnlyList<PackedMatrix> Sources { get; private init; } = [];

    /// <summary>
    /// Whether the weight can stay quantised: products are in bfloat16 on a CUDA device, and the format has a kernel.
    /// </summary>
    /// <param name="source">The numbers as they lie in a file.</param>
    /// <param name="type">Precision of products.</param>
    /// <param name="device">Device of products.</param>
    public static bool Supports(WeightMatrix source, ScalarType type, Device device) =>
        PackedFormat.Of(source.Format) is not null && source.Rows <= int.MaxValue && PackedFormat.Serves(type, device);

    /// <summary>Packs matrices, one below the other.</summary>
    /// <param name="sources">Matrices with the same number of columns; their formats may differ.</param>
    /// <param name="device">The device.</param>
    /// <param name="scratch">Where the weight becomes a tensor; must outlive it.</param>
    public static PackedMatrix Of(IReadOnlyList<WeightMatrix> sources, Device device, DenseScratch scratch)
    {
        var (parts, own) = (new List<PackedPart>(), new List<PackedPart>());
        for (var i = 0; i < sources.Count;)
        {
            // Neighbours of one format are one part where tiles do not straddle them.
            var end = i + 1;
            while (end < sources.Count && sources[end].Format == sources[i].Format
                && sources[end - 1].Rows % PackedFormat.TileRows == 0) end++;
            var part = PackedPart.Of([.. sources.Skip(i).Take(end - i)], device);
            parts.Add(part);
            for (var first = 0L; i < end; first += sources[i++].Rows)
                own.Add(part with { First = first, Rows = sources[i].Rows });
        }
        var matrix = new PackedMatrix([.. parts], scratch, owns: true)
        {
            Sources = [.. own.Select(part => new PackedMatrix([part], scratch, owns: false))],
        };
        scratch.Reserve(matrix.Rows, matrix.Columns, device);
        return matrix;
    }

    /// <summary>Whether products with these activations are computed here.</summary>
    /// <param name="x">[…, columns]</param>
    public bool Supports(Tensor x) => x.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CUDA
        && x.shape[^1] == Columns && x.numel() > 0 && !GradientNode.Needed(x);

    /// <summary>Whether products with these activations norm them too: each block does it again.</summary>
    /// <param name="x">[…, columns]</param>
    public bool CanNorm(Tensor x) => Supports(x) && x.numel() / Columns <= PackedPlan.MostTokens;

    /// <summary>norm(x) weightᵀ + bias + residual.</summary>
    /// <param name="x">[…, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="norm">Where <see cref="CanNorm"/>; null for none.</param>
    /// <param name="residual">[…, rows]; null for none.</param>
    /// <returns>[…, rows]</returns>
    public Tensor Apply(Tensor x, Tensor? bias, InputNorm? norm = null, Tensor? residual = null)
    {
        x = RowKernel.Dense(x);
        residual = residual is null ? null : RowKernel.Dense(residual);
        if (!PackedTilePlan.Takes(x.numel() / Columns))
            return residual is null ? ApplyDense(x, bias) : residual + ApplyDense(x, bias);
        var output = empty([.. x.shape[..^1], Rows], x.dtype, x.device);
        if (_parts is [var first, var second] && x.numel() / Columns <= PackedPlan.MostTokens)
        {
            first.Multiply(second, x, bias, output, norm, residual);
            return output;
        }
        var column = 0L;
        foreach (var part in _parts)
        {
            part.Multiply(x, bias?.narrow(0, column, part.Rows), output, column, gated: false, norm, residual);
            column += part.Rows;
        }
        return output;
    }

    /// <summary>silu(gate)·up of a weight whose first half are the rows of a gate.</summary>
    /// <param name="x">[…, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="norm">Of x, where <see cref="CanNorm"/>; null for none.</param>
    /// <returns>[…, rows / 2]</returns>
    public Tensor ApplyGated(Tensor x, Tensor? bias, InputNorm? norm = null)
    {
        if (_parts.Length > 1 || Rows / 2 % PackedFormat.TileRows != 0
            || !PackedTilePlan.Takes(x.numel() / Columns))
            return FusedSwiGlu.Apply(Apply(x, bias, norm));
        x = RowKernel.Dense(x);
        var output = empty([.. x.shape[..^1], Rows / 2], x.dtype, x.device);
        _parts[0].Multiply(x, bias, output, 0, gated: true, norm, residual: null);
        return output;
    }

    /// <summary>Like <see cref="Apply"/> with one of several matrices, one below the other, for each expert.</summary>
    /// <param name="x">[T, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <param name="experts">Number of matrices, each of whole tiles of rows.</param>
    /// <param name="routes">Which tokens each expert serves.</param>
    /// <param name="shared">Places that share a row of <paramref name="x"/>: place p reads row p div shared.</param>
    /// <param name="gate">The gate, if half of a matrix' rows are one.</param>
    /// <returns>[places, outputs]</returns>
    public Tensor ApplyExperts(Tensor x, Tensor? bias, int experts, ExpertRoutes routes, int shared, ProductGate gate)
    {
        x = RowKernel.Dense(x);
        var output = empty([routes.Places, Rows / experts / gate.RowsOfResult], x.dtype, x.device);
        _parts.Single().MultiplyExperts(x, bias, output, experts, routes, shared, gate);
        return output;
    }

    /// <summary>Some of the rows, which last as long as this does.</summary>
    /// <param name="first">The first, at the beginning of a tile.</param>
    /// <param name="count">Number of rows.</param>
    public PackedMatrix Some(long first, long count)
    {
        var part = _parts.Single();
        return new PackedMatrix([part with { First = part.First + first, Rows = count }], _scratch, owns: false);
    }

    /// <summary>Whether matrices packed together are one stretch of records, each of whole tiles.</summary>
    /// <param name="sources">Matrices with the same number of columns.</param>
    public static bool AreAlike(IReadOnlyList<WeightMatrix> sources) => sources.All(s =>
        s.Format == sources[0].Format && s.Columns == sources[0].Columns && s.Rows % PackedFormat.TileRows == 0);

    /// <summary>The rows of tokens, in bfloat16.</summary>
    /// <param name="tokens">[…] (int64) on the device.</param>
    /// <returns>[…, columns]</returns>
    public Tensor RowsOf(Tensor tokens)
    {
        tokens = RowKernel.Dense(tokens);
        var output = empty([.. tokens.shape, Columns], ScalarType.BFloat16, tokens.device);
        _parts.Single().Read(output, tokens);
        return output;
    }

    /// <summary>The numbers, rounded to bfloat16 and converted to a type.</summary>
    /// <returns>[rows, columns]</returns>
    public Tensor ToTensor(ScalarType type)
    {
        var output = empty([Rows, Columns], ScalarType.BFloat16, _parts[0].Bytes.device);
        Read(output, 0);
        return output.to(type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_owns) return;
        foreach (var part in _parts) part.Bytes.Dispose();
    }

    /// <summary>x weightᵀ + bias by tensors made of the weight, piece by piece.</summary>
    /// <param name="x">[…, columns]</param>
    /// <param name="bias">[rows]; null for none.</param>
    /// <returns>[…, rows]</returns>
    internal Tensor ApplyDense(Tensor x, Tensor? bias)
    {
        lock (_scratch.Using)
        {
            var most = _scratch.RowsOf(Columns);
            if (most >= Rows)
            {
                using var weight = _scratch.Matrix(Rows, Columns);
                Read(weight, 0);
                return MatrixProduct.Linear(x, weight, bias);
            }
            var output = empty([.. x.shape[..^1], Rows], x.dtype, x.device);
            using var tokens = x.view(-1, Columns);
            using var outputs = output.view(-1, Rows);
            for (var first = 0L; first < Rows; first += most)
            {
                var count = Math.Min(most, Rows - first);
                using var weight = _scratch.Matrix(count, Columns);
                Read(weight, first);
                using var part = outputs.narrow(1, first, count); // the product writes it where it belongs
                using var own = bias?.narrow(0, first, count);
                if (own is not null) part.copy_(own.expand_as(part));
                using var turned = weight.t();
                part.addmm_(tokens, turned, beta: own is null ? 0 : 1, alpha: 1);
            }
            return output;
        }
    }

    // Rows from `first` on, whatever parts they belong to.
    private void Read(Tensor output, long first)
    {
        var (written, count, start) = (0L, output.shape[0], 0L);
        foreach (var part in _parts)
        {
            var skipped = Math.Max(0, first - start);
            var rows = Math.Min(part.Rows - skipped, count - written);
            start += part.Rows;
            if (rows <= 0) continue;
            using var target = output.narrow(0, written, rows);
            part.Read(target, skipped);
            written += rows;
        }
    }
}
