using System.Runtime.InteropServices;
using Crosshead.Checkpoints.Safetensors;
using Crosshead.Layers;
using Crosshead.Runtime;
using Crosshead.Runtime.Distributed;
using Crosshead.Training.Steps;
using static TorchSharp.torch;

namespace Crosshead.Training.Sharding;

/// <summary>
/// Tensors of which each rank has a part, for the files that rank 0 writes. Every rank writes its own part into the
/// file, all at the same time. A tensor that is stored in another form is gathered on rank 0. Rank 0 asks in any order;
/// the other ranks answer until it is done.
/// </summary>
internal sealed class ShardGather(GradientBucket[] buckets, ICommunicator ranks, TensorExchange exchange)
{
    private const int Done = -1, EndOfFile = -2;

    private readonly (GradientBucket Bucket, Placement Place)[] _places =
        [.. buckets.SelectMany(b => b.Plan.Parameters.Select(p => (b, p)))];
    private readonly SharedFile _file = new(ranks);
    private AdamW? _optimizer;

    // What a rank has of each parameter.
    private enum Kind { Master, FirstMoment, SecondMoment }

    // The numbers of all tensors, to be gathered; behind them the same again, to be written.
    private int Tensors => Enum.GetValues<Kind>().Length * _places.Length;

    /// <summary>Does work on rank 0, while the other ranks answer.</summary>
    public T? Lead<T>(AdamW optimizer, Func<T> work) where T : class
    {
        _optimizer = optimizer;
        if (ranks.Rank == 0)
        {
            var result = work();
            Ask(Done);
            return result;
        }
        for (int asked; (asked = Ask(Done)) != Done;)
        {
            using var scope = NewDisposeScope();
            if (asked == EndOfFile) _file.End();
            else if (asked >= Tensors) Write(asked - Tensors, null);
            else Gather(asked);
        }
        return null;
    }

    /// <summary>A parameter's master value; null if it is not trained.</summary>
    public StoredTensor? Master(Parameter parameter)
    {
        var index = Array.FindIndex(_places, p => p.Place.Parameter == parameter);
        return index < 0 ? null : Stored(parameter.Name, index, Kind.Master);
    }

    /// <summary>The moments of all parameters.</summary>
    public IEnumerable<StoredTensor> Moments() => _places.SelectMany((p, i) => new[]
    {
        Stored(AdamW.FirstOf(p.Place.Parameter.Name), i, Kind.FirstMoment),
        Stored(AdamW.SecondOf(p.Place.Parameter.Name), i, Kind.SecondMoment),
    });

    private StoredTensor Stored(string name, int index, Kind kind)
    {
        var (bucket, place) = _places[index];
        var number = ((int)kind * _places.Length) + index;
        return new StoredTensor(name, place.Parameter.Shape, TypeOf(bucket, kind), () =>
            Gather(Ask(number)).view([.. place.Parameter.Shape]))
        {
            WriteTogether = stream =>
            {
                Ask(Tensors + number);
                Write(number, stream);
            },
            EndTogether = End,
        };
    }

    private void End()
    {
        Ask(EndOfFile);
        _file.End();
    }

    // Rank 0 has the stream.
    private void Write(int number, FileStream? stream)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        var ((bucket, place), kind) = (_places[number % _places.Length], (Kind)(number / _places.Length));
        var (start, count) = bucket.Plan.PartOf(place, ranks.Rank);
        var size = Precision.BytesOf(TypeOf(bucket, kind));
        _file.Write(stream, start * size, count == 0 ? null : Own(bucket, place, kind), place.Count * size);
    }

    // Rank 0's number, on all ranks.
    private int Ask(int number)
    {
        ranks.Broadcast(MemoryMarshal.AsBytes(new Span<int>(ref number)), 0);
        return number;
    }

    // The whole tensor on rank 0, nothing on the others.
    private Tensor Gather(int number)
    {
        var ((bucket, place), kind) = (_places[number % _places.Length], (Kind)(number / _places.Length));
        var (counts, to) = (new long[ranks.Ranks], new long[ranks.Ranks]);
        for (var rank = 0; rank < counts.Length; rank++) counts[rank] = bucket.Plan.PartOf(place, rank).Count;
        to[0] = counts[ranks.Rank];
        if (ranks.Rank != 0) Array.Clear(counts);
        var whole = empty(counts.Sum(), TypeOf(bucket, kind), bucket.Device);
        using var grad = no_grad();
        exchange.AllToAll(Own(bucket, place, kind), to, whole, counts);
        exchange.Wait();
        return whole;
    }

    private ScalarType TypeOf(GradientBucket bucket, Kind kind) => kind == Kind.Master ? bucket.Plan.Types.Master
        : _optimizer!.TypeOfMoments(bucket.Plan.Types.Master);

    private Tensor Own(GradientBucket bucket, Placement place, Kind kind)
    {
        if (kind == Kind.Master) return bucket.OwnPart(bucket.Masters!, place);
        if (bucket.Plan.PartOf(place, ranks.Rank).Count == 0) return empty(0, TypeOf(bucket, kind), bucket.Device);
        var (first, second) = _optimizer!.MomentsOf(place.Parameter.Name);
        return kind == Kind.FirstMoment ? first.alias() : second.alias();
    }
}
