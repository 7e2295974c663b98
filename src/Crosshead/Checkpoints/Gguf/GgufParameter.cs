using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Checkpoints.Gguf;

/// <summary>Where a parameter of a model is in a GGUF file.</summary>
internal sealed class GgufParameter
{
    private readonly long[] _own; // the parameter's shape
    private readonly int _turnedHeads, _headDim;

    private GgufParameter(string tensor, long[] shape) => (Tensor, _own, Shape) = (tensor, shape, shape);

    private GgufParameter(string tensor, long[] own, int? expert, ModelOptions options)
    {
        (Tensor, _own) = (tensor, own);
        Shape = expert is null ? own : [options.Experts!.Count, .. own];
        First = (expert ?? 0) * Count;
        (_turnedHeads, _headDim) = (GgufArchitecture.TurnedHeads(tensor, options), options.HeadDim);
    }

    /// <summary>Finds a parameter.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="options">The model's shape.</param>
    /// <exception cref="CrossheadException">The format has no place for it.</exception>
    public static GgufParameter Of(string name, long[] shape, ModelOptions options) =>
        new(GgufNames.Of(name, out var expert), shape, expert, options);

    /// <summary>A parameter that is a tensor of its own, under its own name and in its own order.</summary>
    /// <param name="name">The parameter's name.</param>
    /// <param name="shape">Its shape.</param>
    public static GgufParameter Named(string name, long[] shape) => new(name, shape);

    /// <summary>The name of its tensor, which may hold parameters of several experts.</summary>
    public string Tensor { get; }

    /// <summary>The whole tensor's sizes, the row's length last.</summary>
    public long[] Shape { get; }

    /// <summary>Index of its first element in the tensor.</summary>
    public long First { get; }

    /// <summary>Number of its elements.</summary>
    public long Count => _own.Aggregate(1L, (product, size) => product * size);

    /// <summary>Whether the rows, or numbers, of the model are in another order in the file.</summary>
    public bool IsTurned => _turnedHeads > 0;

    /// <summary>Whether it is a matrix, whose rows can be read one by one.</summary>
    public bool IsMatrix => _own.Length > 1;

    /// <summary>Index of the file's row for a row of the model, of a parameter whose order differs.</summary>
    public long RowOf(long row)
    {
        var (head, at, half) = (row / _headDim, row % _headDim, _headDim / 2);
        return (head * _headDim) + (at % half * 2) + (at / half);
    }

    /// <summary>Whether a tensor of the file has these sizes. Writers may leave out leading sizes of 1.</summary>
    public bool Fits(GgufTensor tensor) => Lasting(tensor.Shape).SequenceEqual(Lasting(Shape));

    /// <summary>The values in the order of the model, from those in the order of the file.</summary>
    public Tensor Ordered(Tensor values) => (_turnedHeads == 0 ? values
        : values.reshape(_turnedHeads, _headDim / 2, 2, -1).transpose(1, 2)).reshape(_own);

    private static IEnumerable<long> Lasting(long[] shape) => shape.SkipWhile(size => size == 1);
}
