namespace Crosshead.Runtime.MachineCode;

/// <summary>
/// General registers of x86-64 by their numbers. A function may change <see cref="Rax"/>, <see cref="Rcx"/>,
/// <see cref="Rdx"/> and <see cref="R8"/> to <see cref="R11"/> under both calling conventions; others have to be saved.
/// </summary>
internal enum Register
{
    Rax, Rcx, Rdx, Rbx, Rsp, Rbp, Rsi, Rdi, R8, R9, R10, R11, R12, R13, R14, R15,
}
