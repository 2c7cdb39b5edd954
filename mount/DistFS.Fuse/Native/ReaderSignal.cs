using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <summary>
/// A signal whose only effect is that a read of its thread ends with EINTR. Closing a descriptor does not end a read
/// of it, and asking poll(2) before each read would cost every request two calls more.
/// </summary>
internal static unsafe class ReaderSignal
{
    // Real-time signals end at 64; .NET uses 34 (SIGRTMIN), debuggers and libraries the first ones.
    private const int First = 54;
    private const int Last = 63;

    private static readonly Lazy<int> Number = new(Install);

    /// <summary>Interrupts a read of that thread of this process, if it is in one.</summary>
    public static void Send(int thread)
    {
        // ESRCH: it has ended, and needs no signal any more.
        _ = Libc.SignalThread(Environment.ProcessId, thread, Number.Value);
    }

    /// <summary>Before a thread begins to read: a signal without handler would end the process.</summary>
    public static void Prepare() => _ = Number.Value;

    private static int Install()
    {
        // Called with the number of the signal and nothing else to do, getppid is a handler without effect; managed
        // code must not run in a signal. Without SA_RESTART, reads end with EINTR. The kernel's struct is smaller
        // than this.
        var libc = NativeLibrary.Load("libc", typeof(ReaderSignal).Assembly, null);
        var nothing = NativeLibrary.GetExport(libc, "getppid");
        var action = stackalloc nint[32];
        var old = stackalloc nint[32];
        for (var signal = Last; signal >= First; signal--)
        {
            new Span<nint>(action, 32).Clear();
            action[0] = nothing;
            if (Libc.SignalAction(signal, null, old) == 0 && old[0] == 0
                && Libc.SignalAction(signal, action, old) == 0)
            {
                return signal;
            }
        }

        throw new FuseException($"No signal of {First} to {Last} is free.", Errno.EBUSY);
    }
}
