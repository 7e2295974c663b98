using System.Runtime.InteropServices;
using Crosshead.Runtime;
using static TorchSharp.torch;

namespace Crosshead.Kernels.Common;

/// <summary>Computes the gradients of an operation's inputs from those of its outputs.</summary>
/// <param name="saved">What the operation kept; not to be disposed.</param>
/// <param name="outputs">Gradients of the outputs, null where nothing depends on one; disposed by the caller.</param>
/// <returns>One gradient an input, in order; null where there is none.</returns>
internal delegate Tensor?[] BackwardFunction(Tensor[] saved, Tensor?[] outputs);

/// <summary>
/// An operation of managed code in libtorch's autograd graph. It does what <c>torch.autograd.Function</c> of TorchSharp
/// does, without its second allocation of every output, without keeping every gradient until the scope around the step
/// ends, and without ending the process when a gradient cannot be computed (for lack of memory, say).
/// Gradients of gradients are not supported.
/// </summary>
internal sealed unsafe class GradientNode
{
    // Native code holds the addresses of a node's two delegates, so nodes are never collected but used again.
    private static readonly List<GradientNode> All = [];
    private static readonly Stack<GradientNode> Idle = new();

    [ThreadStatic] private static Tensor?[]? t_returned; // libtorch copies the gradients after Apply has returned
    [ThreadStatic] private static nint* t_wrapped;
    [ThreadStatic] private static bool t_once;
    [ThreadStatic] private static FirstFailure? t_failure;

    private readonly ApplyCallback _apply;
    private readonly DeletedCallback _deleted;
    private readonly nint _applyAddress;
    private readonly nint _deletedAddress;
    private Native.NodePointers _pointers;
    private BackwardFunction? _backward;
    private Tensor[] _saved = [];
    private FirstFailure _failure = new();
    private nint* _results;
    private int _inputs;
    private bool _once;

    private GradientNode()
    {
        _apply = Apply;
        _deleted = Deleted;
        _applyAddress = Marshal.GetFunctionPointerForDelegate(_apply);
        _deletedAddress = Marshal.GetFunctionPointerForDelegate(_deleted);
    }

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate Native.HandleArray ApplyCallback(nint* gradients, int count);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate void DeletedCallback();

    /// <summary>Whether a result of these inputs needs <see cref="Record"/>.</summary>
    public static bool Needed(params ReadOnlySpan<Tensor> inputs)
    {
        if (!is_grad_enabled()) return false;
        foreach (var input in inputs)
            if (input.requires_grad) return true;
        return false;
    }

    /// <summary>
    /// Makes <paramref name="outputs"/>, computed without a graph, differentiable functions of
    /// <paramref name="inputs"/>.
    /// </summary>
    /// <param name="inputs">The inputs, in the order in which <paramref name="backward"/> answers.</param>
    /// <param name="outputs">New tensors, none of them a view of an input.</param>
    /// <param name="saved">Kept until the graph is gone: inputs, outputs or others. They must not be written to
    /// meanwhile.</param>
    /// <param name="backward">Called during the backward pass with gradients off and inside its own scope.</param>
    public static void Record(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> saved,
        BackwardFunction backward)
    {
        RethrowFailure();
        GradientNode node;
        lock (All)
        {
            if (!Idle.TryPop(out node!)) All.Add(node = new GradientNode());
        }
        node.Attach(inputs, outputs, saved, backward);
    }

    /// <summary>
    /// Computes on this thread what has one backward pass only. Its operations give back what they keep as soon as they
    /// have used it; otherwise the whole graph keeps it to the end of the pass.
    /// </summary>
    public static Tensor UsedOnce(Func<Tensor> loss)
    {
        t_once = true;
        try
        {
            return loss();
        }
        finally
        {
            t_once = false;
        }
    }

    /// <summary>
    /// Throws what went wrong since the last call in the backward pass of a graph that this thread recorded, if
    /// anything did: its gradients are missing. A backward pass may run on other threads (a GPU's does).
    /// </summary>
    public static void RethrowFailure() => t_failure?.Throw();

    private void Attach(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<Tensor> outputs, ReadOnlySpan<Tensor> saved,
        BackwardFunction backward)
    {
        _pointers = Native.NewNode(_applyAddress, _deletedAddress);
        _backward = backward;
        (_inputs, _once) = (inputs.Length, t_once);
        _failure = t_failure ??= new();
        _results = (nint*)NativeMemory.Alloc((nuint)inputs.Length, (nuint)sizeof(nint));
        // A saved output that is the output itself would keep its own graph alive for ever.
        _saved = new Tensor[saved.Length];
        for (var i = 0; i < saved.Length; i++) _saved[i] = saved[i].detach().DetachFromDisposeScope();

        var handles = stackalloc nint[inputs.Length + outputs.Length];
        for (var i = 0; i < inputs.Length; i++) handles[i] = inputs[i].Handle;
        for (var i = 0; i < outputs.Length; i++) handles[inputs.Length + i] = outputs[i].Handle;
        var inputArray = new Native.HandleArray { Handles = handles, Count = inputs.Length };
        var outputArray = new Native.HandleArray { Handles = handles + inputs.Length, Count = outputs.Length };

        Native.SetNextEdges(_pointers, inputArray, executable: true);
        Native.ClearInputMetadata(_pointers);
        var wrapped = stackalloc nint[outputs.Length];
        t_wrapped = wrapped;
        Native.WrapOutputs(inputArray, default, default, outputArray, _pointers, &Wrapped);
        // the outputs themselves, again
        for (var i = 0; i < outputs.Length; i++) Tensor.UnsafeCreateTensor(wrapped[i]).Dispose();
        Native.ReleaseStrong(_pointers);
    }

    [UnmanagedCallersOnly]
    private static nint* Wrapped(nuint count) => t_wrapped;

    private Native.HandleArray Apply(nint* gradients, int count)
    {
        ReleaseReturned();
        new Span<nint>(_results, _inputs).Clear();
        try
        {
            using var scope = NewDisposeScope();
            var outputs = new Tensor?[count];
            for (var i = 0; i < count; i++)
                outputs[i] = gradients[i] == 0 ? null : Tensor.UnsafeCreateTensor(gradients[i]);
            var results = _backward!(_saved, outputs);
            for (var i = 0; i < results.Length; i++)
                _results[i] = results[i]?.DetachFromDisposeScope().Handle ?? 0;
            ReleaseReturned(); // of a backward pass within this one
            t_returned = results;
            if (_once) ReleaseSaved();
        }
#pragma warning disable CA1031 // nothing managed may unwind through native frames; RethrowFailure tells of it
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure.Keep(e);
        }
        return new Native.HandleArray { Handles = _results, Count = _inputs };
    }

    private void Deleted()
    {
        ReleaseReturned();
        ReleaseSaved();
        _backward = null;
        NativeMemory.Free(_results);
        Native.ReleaseWeak(_pointers);
        lock (All) Idle.Push(this);
    }

    private void ReleaseSaved()
    {
        foreach (var tensor in _saved) tensor.Dispose();
        _saved = [];
    }

    private static void ReleaseReturned()
    {
        if (t_returned is not { } returned) return;
        foreach (var tensor in returned) tensor?.Dispose();
        t_returned = null;
    }
}
