using Crosshead.Kernels.Common;
using static TorchSharp.torch;

namespace Crosshead.Tests.Kernels.Common;

public sealed class GradientNodeTests
{
    [Fact]
    public void A_failure_in_a_backward_pass_is_thrown_afterwards()
    {
        using var scope = NewDisposeScope();
        var input = ones(3, requires_grad: true);
        var output = zeros(3);
        GradientNode.Record([input], [output], [], (_, _) => throw new InvalidOperationException("no memory"));
        output.sum().backward();
        Assert.Equal("no memory", Assert.Throws<InvalidOperationException>(GradientNode.RethrowFailure).Message);
        GradientNode.RethrowFailure(); // told once
    }

    [Fact]
    public void A_failure_is_told_to_the_thread_whose_graph_it_was()
    {
        using var allFailed = new Barrier(3);
        var told = new string[3];
        var ranks = Enumerable.Range(0, 3).Select(rank => new Thread(() =>
        {
            using var scope = NewDisposeScope();
            var (input, output) = (ones(3, requires_grad: true), zeros(3));
            GradientNode.Record([input], [output], [], (_, _) => throw new InvalidOperationException($"rank {rank}"));
            output.sum().backward();
            allFailed.SignalAndWait();
            told[rank] = Record.Exception(GradientNode.RethrowFailure)?.Message ?? "nothing";
        })).ToArray();
        foreach (var rank in ranks) rank.Start();
        foreach (var rank in ranks) rank.Join();
        Assert.Equal(["rank 0", "rank 1", "rank 2"], told);
        GradientNode.RethrowFailure(); // none of this thread's
    }

    [Fact]
    public void Unused_outputs_come_as_null_and_unneeded_gradients_may_be_null()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (ones(3, requires_grad: true), ones(3, requires_grad: true));
        var (used, unused) = (zeros(3), zeros(3));
        var seen = new bool[2];
        GradientNode.Record([first, second], [used, unused], [], (_, outputs) =>
        {
            (seen[0], seen[1]) = (outputs[0] is null, outputs[1] is null);
            return [outputs[0], null];
        });
        used.sum().backward();
        Assert.Equal([false, true], seen);
        Assert.Equal(3, first.grad!.sum().item<float>());
        Assert.True(second.grad is null);
    }

    // The loss keeps the graph until the pass is over.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_kept_for_one_pass_is_freed_when_it_has_been_used(bool once)
    {
        using var scope = NewDisposeScope();
        var input = ones(3, requires_grad: true);
        Tensor? kept = null;
        var freed = false;
        Tensor Loss()
        {
            var (middle, output) = (zeros(3), zeros(3));
            GradientNode.Record([input], [middle], [ones(3)], (saved, outputs) =>
            {
                freed = kept!.IsInvalid;
                return [saved[0] * outputs[0]!];
            });
            GradientNode.Record([middle], [output], [ones(3)], (saved, outputs) =>
            {
                kept = saved[0];
                return [saved[0] * outputs[0]!];
            });
            return output.sum();
        }
        var loss = once ? GradientNode.UsedOnce(Loss) : Loss();
        loss.backward();
        GradientNode.RethrowFailure();
        Assert.Equal((once, 3f), (freed, input.grad!.sum().item<float>()));
    }

    [Fact]
    public void A_saved_output_does_not_keep_its_graph_alive() => KernelCheck.NothingLeft(() =>
    {
        var output = zeros(3);
        GradientNode.Record([ones(3, requires_grad: true)], [output], [output],
            (saved, outputs) => [saved[0] * outputs[0]!]);
    });
}
