using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Crosshead.Runtime;

/// <summary>
/// libtorch's stable C interface returns a code for a failure, and writes the reason to <c>std::cerr</c>. This class
/// puts its own stream buffer under <c>std::cerr</c>. The buffer keeps, per thread, the text that is written during a
/// call, and passes everything else to standard error.
/// </summary>
internal static unsafe partial class CapturedErrors
{
    // libstdc++'s basic_streambuf<char>: a table pointer, six buffer pointers and a locale; its virtual functions in
    // order.
    private const int ObjectSize = 64, TableSize = 16, TableStart = 2, WriteManySlot = 12, WriteOneSlot = 13;

    [ThreadStatic] private static StringBuilder? t_text;
    private static nint* s_table;

    /// <summary>Puts the buffer in place. Called once, when libtorch has been loaded.</summary>
    public static void Install()
    {
        var library = NativeLibrary.Load("libstdc++.so.6");
        var construct = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library,
            "_ZNSt15basic_streambufIcSt11char_traitsIcEEC2Ev");
        var exchange = (delegate* unmanaged<nint, nint, nint>)NativeLibrary.GetExport(library,
            "_ZNSt9basic_iosIcSt11char_traitsIcEE5rdbufEPSt15basic_streambufIcS1_E");
        var error = NativeLibrary.GetExport(library, "_ZSt4cerr");

        // Both live as long as the process, because std::cerr may be written to until its end.
        s_table = (nint*)NativeMemory.AllocZeroed(TableSize, (nuint)sizeof(nint));
        var buffer = (nint)NativeMemory.AllocZeroed(ObjectSize);
        construct(buffer);
        new Span<nint>((void*)NativeLibrary.GetExport(library, "_ZTVSt15basic_streambufIcSt11char_traitsIcEE"),
            TableSize).CopyTo(new Span<nint>(s_table, TableSize));
        s_table[TableStart + WriteManySlot] = (nint)(delegate* unmanaged<nint, byte*, nint, nint>)&WriteMany;
        s_table[TableStart + WriteOneSlot] = (nint)(delegate* unmanaged<nint, int, int>)&WriteOne;
        *(nint**)buffer = s_table + TableStart;

        // std::basic_ios is a virtual base of std::ostream: its place in the object is in the table, three words before
        // the functions.
        var offset = (*(nint**)error)[-3];
        exchange(error + offset, buffer);
    }

    /// <summary>Begins to keep the text that this thread writes.</summary>
    public static void Begin() => (t_text ??= new StringBuilder()).Clear();

    /// <summary>The text since <see cref="Begin"/>, reduced to libtorch's own sentence.</summary>
    public static string Text()
    {
        const string marker = "Exception in aoti_torch: ";
        var text = t_text?.ToString() ?? "";
        var start = text.IndexOf(marker, StringComparison.Ordinal);
        var message = start < 0 ? text : text[(start + marker.Length)..];
        return message.Split('\n', 2)[0].Trim();
    }

    [UnmanagedCallersOnly]
    private static nint WriteMany(nint buffer, byte* text, nint count)
    {
        Write(new ReadOnlySpan<byte>(text, (int)count));
        return count;
    }

    [UnmanagedCallersOnly]
    private static int WriteOne(nint buffer, int character)
    {
        var one = (byte)character;
        if (character >= 0) Write(new ReadOnlySpan<byte>(in one));
        return character;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Write(ReadOnlySpan<byte> text)
    {
        if (OperatorCall.UnderWay && t_text is { } kept) kept.Append(Encoding.UTF8.GetString(text));
        else WriteDescriptor(2, text, text.Length);
    }

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint WriteDescriptor(int descriptor, ReadOnlySpan<byte> text, nint count);
}
