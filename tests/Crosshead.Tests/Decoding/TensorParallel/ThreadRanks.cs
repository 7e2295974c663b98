using Crosshead.Decoding.TensorParallel;
using Crosshead.Layers;
using Crosshead.Model;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding.TensorParallel;

/// <summary>A rank that is a thread, and adds tensors of the processor: what sums between devices mean.</summary>
internal sealed class ThreadRanks(RankMeeting meeting, Tensor[] parts, int rank) : ITensorRanks
{
    public int Ranks => parts.Length;

    public int Rank => rank;

    public Tensor Sum(Tensor part) => Exchanged(part, all =>
    {
        var sum = all[0].clone();
        foreach (var other in all[1..]) sum.add_(other);
        return sum;
    });

    public (Tensor Sum, Tensor Normed)? SumInto(Tensor residual, Tensor part, RmsNorm norm) => null;

    public Tensor Join(Tensor part) => Exchanged(part, all => cat(all, 1));

    public bool All(bool own) => meeting.All(rank, own);

    /// <summary>A model whose parts are made of the parameters of a whole one.</summary>
    public static TensorParallelModel Share(LanguageModel whole, int ranks) => Share(whole.Options, ranks, part =>
        Part(whole, part, ScalarType.Float32, CPU));

    /// <summary>A model of any parts.</summary>
    public static TensorParallelModel Share(ModelOptions shape, int ranks, Func<ModelPart, LanguageModel> make)
    {
        var (meeting, parts) = (new RankMeeting(ranks), new Tensor[ranks]);
        ITensorRanks[] all = [.. Enumerable.Range(0, ranks).Select(rank => new ThreadRanks(meeting, parts, rank))];
        return new TensorParallelModel(shape, all, meeting, null, make);
    }

    /// <summary>A part that is made of the parameters of a whole model, frozen.</summary>
    public static LanguageModel Part(LanguageModel whole, ModelPart part, ScalarType type, Device device)
    {
        var own = LanguageModel.Of(part, type, device);
        foreach (var (parameter, from) in own.Parameters.Zip(whole.Parameters))
        {
            Assert.Equal(from.Name, parameter.Name);
            parameter.Write(from.Value.detach());
        }
        own.Freeze(type);
        return own;
    }

    /// <summary>A whole model with the parameters of another, frozen.</summary>
    public static LanguageModel Copy(LanguageModel whole, ScalarType type, Device device)
    {
        var own = new LanguageModel(whole.Options, type, device, type);
        foreach (var (parameter, from) in own.Parameters.Zip(whole.Parameters)) parameter.Write(from.Value.detach());
        own.Freeze(type);
        return own;
    }

    private Tensor Exchanged(Tensor part, Func<Tensor[], Tensor> of)
    {
        parts[rank] = part;
        meeting.All(rank, true);
        var made = of(parts);
        meeting.All(rank, true);
        return made;
    }
}
