using System.Runtime.InteropServices;
using Crosshead.Runtime.MachineCode;

namespace Crosshead.Decoding.Cpu;

/// <summary>
/// Writes the machine code that multiplies two panels by up to eight vectors (<see cref="BFloat16TileArguments"/>). The
/// sums stay in registers; a step takes two numbers of each vector.
/// </summary>
/// <param name="vectors">Number of vectors.</param>
/// <param name="lines">Lines of 64 bytes that are prefetched for two that are read: 1 or 2.</param>
internal sealed class BFloat16TileWriter(int vectors, int lines)
{
    /// <summary>Runs of memory that are prefetched in turn.</summary>
    public const int Runs = 4;

    /// <summary>Most vectors of a tile.</summary>
    public const int Most = 8;

    private const int Steps = 2 * Runs, LeastSteps = Panel.DepthStep / 2; // that are written one after the other
    private const int Word = 4, Row = 64;          // bytes of two numbers of a vector, and of all lanes of a panel
    private const int Words = 2, Sums = 16;        // the first register for words, and for sums
    private const int WordRegisters = 4;
    private const int Together = 2; // lines that are prefetched at once

    // While sums are read and written, registers have other meanings.
    private const Register Arguments = Register.Rax, First = Register.Rcx, Second = Register.Rdx, Next = Register.Rbx,
        Run = Register.Rsi, End = Register.Rdi, Far = Register.R12, X = Register.R8, FifthX = Register.R9,
        Stride = Register.R10, Stride3 = Register.R11, Y = First, SumStride = Second, Apart = X;

    private static readonly VectorRegister s_first = new(0), s_second = new(1);

    /// <summary>Writes the function.</summary>
    public void Write(Assembler a)
    {
        a.Enter(Arguments, Next, Run, End, Far);
        var (clear, begin, rest, end) = (new Label(), new Label(), new Label(), new Label());
        LoadPlaces(a);
        a.Load(End, At(nameof(BFloat16TileArguments.Adds)));
        a.Compare(End, 0);
        a.Jump(Condition.Equal, clear);
        for (var v = 0; v < vectors; v++)
        {
            a.Load(Sum(v), new Address(Y));
            a.Load(Sum(v) + 1, new Address(Y, 0, Apart));
            a.Add(Y, SumStride);
        }
        a.Jump(begin);
        a.Place(clear);
        for (var v = 0; v < 2 * vectors; v++) a.Clear(new VectorRegister(Sums + v));
        a.Place(begin);
        LoadInputs(a);
        var again = a.Here();
        a.LoadAddress(Far, new Address(First, Steps * Row));
        a.Compare(End, Far);
        a.Jump(Condition.Below, rest);
        WriteSteps(a, Steps);
        a.Add(Next, Together * lines * Row);
        a.Jump(again);
        a.Place(rest);
        a.Compare(First, End);
        a.Jump(Condition.NotBelow, end);
        WriteSteps(a, LeastSteps);
        a.Jump(rest);
        a.Place(end);
        LoadPlaces(a);
        for (var v = 0; v < vectors; v++)
        {
            a.Store(new Address(Y), Sum(v));
            a.Store(new Address(Y, 0, Apart), Sum(v) + 1);
            a.Add(Y, SumStride);
        }
        a.Leave();
    }

    private static void LoadPlaces(Assembler a)
    {
        a.Load(Y, At(nameof(BFloat16TileArguments.Y)));
        a.Load(SumStride, At(nameof(BFloat16TileArguments.SumStride)));
        a.Load(Apart, At(nameof(BFloat16TileArguments.Apart)));
    }

    private static void LoadInputs(Assembler a)
    {
        a.Load(First, At(nameof(BFloat16TileArguments.First)));
        a.Load(End, At(nameof(BFloat16TileArguments.End)));
        a.Load(Second, At(nameof(BFloat16TileArguments.Second)));
        a.Load(Next, At(nameof(BFloat16TileArguments.Next)));
        a.Load(Run, At(nameof(BFloat16TileArguments.Run)));
        a.Load(X, At(nameof(BFloat16TileArguments.X)));
        a.Load(Stride, At(nameof(BFloat16TileArguments.Stride)));
        a.LoadAddress(Stride3, new Address(Stride, 0, Stride, 2));
        a.LoadAddress(FifthX, new Address(X, 0, Stride, 4));
        a.Add(FifthX, Stride);
    }

    private void WriteSteps(Assembler a, int steps)
    {
        if (steps == Steps) a.LoadAddress(Far, new Address(Next, 0, Run, 2));
        for (var step = 0; step < steps; step++)
        {
            if (steps == Steps) WritePrefetch(a, step);
            a.Load(s_first, new Address(First, step * Row));
            a.Load(s_second, new Address(Second, step * Row));
            for (var v = 0; v < vectors; v++)
            {
                var word = new VectorRegister(Words + (v % WordRegisters));
                a.Broadcast(word, Vector(v, step * Word));
                a.AddBFloat16Products(Sum(v), s_first, word);
                a.AddBFloat16Products(Sum(v) + 1, s_second, word);
            }
        }
        a.Add(First, steps * Row);
        a.Add(Second, steps * Row);
        a.Add(X, steps * Word);
        if (vectors > 5) a.Add(FifthX, steps * Word);
    }

    // Two lines together, then two of the next run.
    private void WritePrefetch(Assembler a, int step)
    {
        var (run, second) = Math.DivRem(step, Together);
        if (second > 0 && lines == 1) return;
        for (var line = 0; line < Together; line++)
            a.Prefetch(new Address(run < 2 ? Next : Far, ((second * Together) + line) * Row,
                run % 2 == 0 ? null : Run));
    }

    private static Address Vector(int vector, int at) => vector switch
    {
        0 => new Address(X, at),
        1 => new Address(X, at, Stride),
        2 => new Address(X, at, Stride, 2),
        3 => new Address(X, at, Stride3),
        4 => new Address(X, at, Stride, 4),
        5 => new Address(FifthX, at),
        6 => new Address(X, at, Stride3, 2),
        _ => new Address(FifthX, at, Stride, 2),
    };

    private static VectorRegister Sum(int vector) => new(Sums + (2 * vector));

    private static Address At(string field) =>
        new(Arguments, (int)Marshal.OffsetOf<BFloat16TileArguments>(field));
}
