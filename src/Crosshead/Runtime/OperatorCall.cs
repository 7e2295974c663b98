using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Crosshead.Runtime;

/// <summary>
/// One call of an ATen operator by its name, through libtorch's stable C interface
/// (<c>torch/csrc/inductor/aoti_torch/c/shim.h</c> and <c>torch/csrc/stable/c/shim.h</c>, PyTorch 2.10).
/// Arguments are pushed in the order of the operator's schema; autograd flows through the call.
/// <para>
/// Ownership: Each pushed tensor gets a new handle, which the call consumes. Optionals and lists are allocated here and
/// freed by the call. Each result is a new handle, which <see cref="TakeTensor"/> gives to a <see cref="Tensor"/>.
/// </para>
/// </summary>
internal unsafe ref struct OperatorCall
{
    private const ulong Version = (2UL << 56) | (10UL << 48); // the interface this file was written against

    [ThreadStatic] private static bool t_underWay;

    private readonly Span<ulong> _stack;
    private int _count;

    /// <summary>A call whose arguments and results fit in <paramref name="stack"/>.</summary>
    public OperatorCall(Span<ulong> stack)
    {
        LibTorch.EnsureLoaded();
        _stack = stack;
    }

    /// <summary>Whether this thread is inside libtorch on behalf of a call.</summary>
    internal static bool UnderWay => t_underWay;

    public void Push(Tensor tensor) => PushRaw((ulong)NewHandle(tensor));

    public void Push(long value) => PushRaw((ulong)value);

    public void Push(double value) => PushRaw(BitConverter.DoubleToUInt64Bits(value));

    public void Push(bool value) => PushRaw(value ? 1UL : 0UL);

    /// <summary>Pushes an optional tensor (schema type <c>Tensor?</c>).</summary>
    public void PushOptional(Tensor? tensor) => PushRaw(tensor is null ? 0 : Boxed((ulong)NewHandle(tensor)));

    /// <summary>Pushes an optional number (schema type <c>float?</c>).</summary>
    public void PushOptional(double? value) => PushRaw(value is { } v ? Boxed(BitConverter.DoubleToUInt64Bits(v)) : 0);

    /// <summary>Pushes a list of integers (schema type <c>SymInt[]</c> or <c>int[]</c>).</summary>
    public void Push(ReadOnlySpan<long> values)
    {
        var list = NewList(values.Length);
        foreach (var value in values) Check(Native.ListPushBack(list, (ulong)value), "list");
        PushRaw((ulong)list);
    }

    /// <summary>Pushes a list of tensors (schema type <c>Tensor[]</c>).</summary>
    public void Push(ReadOnlySpan<Tensor> tensors)
    {
        var list = NewList(tensors.Length);
        foreach (var tensor in tensors) Check(Native.ListPushBack(list, (ulong)NewHandle(tensor)), "list");
        PushRaw((ulong)list);
    }

    /// <summary>Calls the operator. Results take the place of the arguments, first result first.</summary>
    /// <param name="name">Qualified name, for example <c>aten::rms_norm</c>.</param>
    /// <param name="overload">Overload name; empty for the default one.</param>
    /// <exception cref="LibTorchException">libtorch refused; the message is libtorch's own.</exception>
    public readonly void Invoke(ReadOnlySpan<byte> name, ReadOnlySpan<byte> overload = default)
    {
        CapturedErrors.Begin();
        t_underWay = true;
        int code;
        fixed (ulong* stack = _stack)
        fixed (byte* operatorName = name, overloadName = overload.IsEmpty ? "\0"u8 : overload)
            code = Native.CallDispatcher(operatorName, overloadName, stack, Version);
        t_underWay = false;
        Check(code, System.Text.Encoding.UTF8.GetString(name));
    }

    /// <summary>Takes result <paramref name="index"/>, which must be a tensor.</summary>
    public readonly Tensor TakeTensor(int index) => Tensor.UnsafeCreateTensor((nint)_stack[index]);

    /// <summary>Releases result <paramref name="index"/>, a tensor that is not needed.</summary>
    public readonly void Drop(int index) => TakeTensor(index).Dispose();

    private void PushRaw(ulong value) => _stack[_count++] = value;

    private static nint NewHandle(Tensor tensor)
    {
        Check(Native.NewTensorHandle(tensor.Handle, out var handle), "tensor handle");
        GC.KeepAlive(tensor);
        return handle;
    }

    private static nint NewList(int capacity)
    {
        Check(Native.NewList((nuint)capacity, out var list), "list");
        return list;
    }

    private static ulong Boxed(ulong value)
    {
        var box = (ulong*)NativeMemory.Alloc(sizeof(ulong)); // freed by libtorch
        *box = value;
        return (ulong)box;
    }

    private static void Check(int code, string what)
    {
        if (code != 0) throw new LibTorchException($"{what}: {CapturedErrors.Text()}");
    }
}
