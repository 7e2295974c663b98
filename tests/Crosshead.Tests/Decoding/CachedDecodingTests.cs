using Crosshead.Model;
using Crosshead.Model.Views;
using Crosshead.Tests.Generation;
using TorchSharp;
using static TorchSharp.torch;

namespace Crosshead.Tests.Decoding;

/// <summary>Decoding with a cache against the whole sequence computed at once.</summary>
public sealed class CachedDecodingTests
{
    private const double Tolerance = 1e-5;
    private readonly int[] _ids = TinyModels.Ids(24);

    public static TheoryData<string> Names => TinyModels.Names;

    [Theory, MemberData(nameof(Names))]
    public void Token_by_token_equals_uncached_at_every_prefix(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        using var state = model.CreateDecodeState(1, _ids.Length);
        for (var n = 0; n < _ids.Length; n++) Close(Next(model, state, _ids[n]), expected[n]);
        Assert.Equal(_ids.Length, state.Length);
    }

    [Theory, MemberData(nameof(Names))]
    public void Folded_for_inference_equals_unfolded(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        model.Freeze(ScalarType.Float32);
        var folded = TinyModels.Reference(model, _ids);
        using var state = model.CreateDecodeState(1, _ids.Length);
        for (var n = 0; n < _ids.Length; n++)
        {
            Close(folded[n], expected[n]);
            Close(Next(model, state, _ids[n]), expected[n]);
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Prompt_in_chunks_equals_whole(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        foreach (var chunk in new[] { 1, 2, 5, 16, 23, 24 })
        {
            using var state = model.CreateDecodeState(1, _ids.Length);
            for (var start = 0; start < _ids.Length; start += chunk)
            {
                var part = _ids.AsSpan(start, Math.Min(chunk, _ids.Length - start)).ToArray();
                Close(Next(model, state, part), expected[start + part.Length - 1]);
            }
        }
    }

    [Theory, MemberData(nameof(Names))]
    public void Truncated_state_continues_as_if_the_rest_had_never_been(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        using var state = model.CreateDecodeState(1, _ids.Length);
        Next(model, state, [.. _ids[..7], 1, 2, 3, 4, 5]);
        state.Truncate(7);
        Assert.Equal(7, state.Length);
        for (var n = 7; n < 12; n++) Close(Next(model, state, _ids[n]), expected[n]);
    }

    [Theory, MemberData(nameof(Names))]
    public void Nothing_looks_into_the_future(string name)
    {
        using var model = TinyModels.Create(name);
        var expected = TinyModels.Reference(model, _ids);
        int[] changed = [.. _ids[..10], .. _ids[10..].Select(i => (i + 1) % 37)];
        var actual = TinyModels.Reference(model, changed);
        for (var n = 0; n < 10; n++) Close(actual[n], expected[n]);
        Assert.True(TinyModels.RelativeError(actual[10], expected[10]) > 1e-3);
    }

    [Theory, MemberData(nameof(Names))]
    public void Steps_leave_no_tensor_behind(string name)
    {
        using var model = TinyModels.Create(name);
        using var state = model.CreateDecodeState(1, _ids.Length);
        Next(model, state, _ids[..4]);
        var before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var n = 4; n < 12; n++) Next(model, state, _ids[n]);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Theory, MemberData(nameof(Names))]
    public void The_cache_holds_as_many_bytes_as_the_model_says(string name)
    {
        using var model = TinyModels.Create(name);
        using var state = model.CreateDecodeState(1, _ids.Length);
        Next(model, state, _ids[..5]);
        Assert.Equal(5 * model.CacheBytesPerToken, state.Bytes);
    }

    private static float[] Next(LanguageModel model, DecodeState state, params int[] ids)
    {
        using var grad = no_grad();
        using var scope = NewDisposeScope();
        return model.LastLogits(TinyModels.Tokens(ids), state).data<float>().ToArray();
    }

    private static void Close(float[] actual, float[] expected) =>
        Assert.InRange(TinyModels.RelativeError(actual, expected), 0, Tolerance);
}
