using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <content>The threads that read requests.</content>
public sealed partial class FuseServer
{
    private readonly ManualResetEventSlim _readersGone = new();

    private void StartReader(Channel channel, bool isFirst)
    {
        lock (_gate)
        {
            _readersAlive++;
        }

        // Threads of their own: each waits in the kernel, and the pool would be starved by that.
        new Thread(() => RunReader(channel, isFirst)) { IsBackground = true, Name = "fuse reader" }.Start();
    }

    private void RunReader(Channel channel, bool isFirst)
    {
        try
        {
            if (!isFirst || ReadInit(channel))
            {
                ReadRequests(channel);
            }
        }
        catch (Exception e)
        {
            // Not a handler's error, those are answered: ours. Served no further, and told to the owner.
            Fail(e);
        }

        // The connection is over: readers that pause for a full budget are to see it too.
        Budget.Close();
        lock (_gate)
        {
            channel.HasEnded = true;
            if (--_readersAlive > 0 || _isFinishing)
            {
                return;
            }

            _isFinishing = true;
            _isStopping = true;
            _readersGone.Set();
        }

        Finish();
    }

    /// <summary>Reads until the first INIT that both sides agree on; starts the other readers.</summary>
    private bool ReadInit(Channel channel)
    {
        var buffer = Buffers.Rent();
        while (!_isStopping)
        {
            var error = channel.Device.Read(buffer, out var length);
            if (error != Errno.None)
            {
                if (IsOver(error))
                {
                    return false;
                }

                continue;
            }

            if (length < Unsafe.SizeOf<FuseInHeader>())
            {
                continue;
            }

            var header = MemoryMarshal.Read<FuseInHeader>(buffer);
            var body = buffer.AsSpan(Unsafe.SizeOf<FuseInHeader>(), length - Unsafe.SizeOf<FuseInHeader>());
            if (header.Opcode != Opcode.Init || body.Length < FuseInitIn.ShortBytes)
            {
                WriteReply(channel.Device, header.Unique, Errno.EIO, default);
                continue;
            }

            Span<byte> whole = stackalloc byte[Unsafe.SizeOf<FuseInitIn>()];
            whole.Clear();
            body[..Math.Min(body.Length, whole.Length)].CopyTo(whole);
            if (TryAgree(channel, header.Unique, MemoryMarshal.Read<FuseInitIn>(whole)) is not { } negotiated)
            {
                continue;
            }

            Buffers.Return(buffer);
            return StartOthers(channel, negotiated);
        }

        return false;
    }

    private FuseNegotiated? TryAgree(Channel channel, ulong unique, in FuseInitIn offer)
    {
        var negotiation = Negotiation.Compute(offer, Options);
        if (negotiation.Outcome == InitOutcome.Refused)
        {
            WriteReply(channel.Device, unique, negotiation.Error, default);
            throw new FuseException(negotiation.Reason!, negotiation.Error);
        }

        var reply = negotiation.Reply;
        if (negotiation.Outcome == InitOutcome.AskAgain)
        {
            WriteReply(
                channel.Device, unique, Errno.None, MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitOut>(ref reply)));
            return null;
        }

        // Before the reply, after which any request may come.
        _negotiated = negotiation.Agreed!;
        _fileSystem.Started(_negotiated);
        var error = WriteReply(
            channel.Device, unique, Errno.None, MemoryMarshal.AsBytes(new ReadOnlySpan<FuseInitOut>(ref reply)));
        return error == Errno.None
            ? _negotiated
            : throw new FuseException($"The kernel refused the reply to INIT: {error}.", error);
    }

    private bool StartOthers(Channel channel, FuseNegotiated negotiated)
    {
        // For the notifier too: what it waits for must not depend on a reader's descriptor.
        Notifier.Start(channel.Device.Clone);
        NameNotifier.Start(channel.Device.Clone);
        AttributeNotifier.Start(channel.Device.Clone);
        for (var i = 1; i < Options.Readers; i++)
        {
            var next = new Channel(channel.Device.Clone());
            lock (_gate)
            {
                _channels.Add(next);
            }

            StartReader(next, isFirst: false);
        }

        _ready.TrySetResult(negotiated);
        return true;
    }

    private void ReadRequests(Channel channel)
    {
        byte[]? buffer = null;
        RequestState? state = null;
        var wasControl = false;
        while (!_isStopping)
        {
            buffer ??= Buffers.Rent();
            if (!wasControl)
            {
                Budget.WaitForRoom();
            }

            var error = channel.Device.Read(buffer, out var length);
            if (error != Errno.None)
            {
                if (IsOver(error))
                {
                    return;
                }

                continue;
            }

            if (length < Unsafe.SizeOf<FuseInHeader>())
            {
                Options.Observer?.Defect(default, 0, $"A request of {length} bytes was ignored.", null);
                continue;
            }

            ref readonly var header = ref MemoryMarshal.AsRef<FuseInHeader>(buffer);
            var row = OpcodeTable.Find(header.Opcode);
            wasControl = row?.Lane == RequestLane.Control;
            if (wasControl)
            {
                HandleControl(channel, row!, header, buffer.AsSpan(0, length));
                continue;
            }

            state ??= States.Rent();
            state.Begin(channel, ref buffer, length);
            Handle(state, row);
            if (state.WasDeferred)
            {
                state.Release();
                state = null;
            }
            else
            {
                state.End(ref buffer);
            }
        }
    }

    /// <summary>What an error of a read means; anything unknown is the owner's affair.</summary>
    private bool IsOver(Errno error)
    {
        switch (error)
        {
            case Errno.ENOENT or Errno.EINTR or Errno.EAGAIN:
                // The request was interrupted while it was read, or we are to look whether we shall stop.
                return _isStopping;
            case Errno.ENODEV:
                _isUnmounted = true;
                return true;
            case Errno.ECONNABORTED:
                Fail(new FuseException("The connection was aborted (umount -f, or /sys/fs/fuse).", error));
                return true;
            default:
                Fail(new FuseException($"Reading requests failed: {error}.", error));
                return true;
        }
    }

    /// <summary>The first error counts. The other readers stop too.</summary>
    private void Fail(Exception error)
    {
        Interlocked.CompareExchange(ref _failure, error, null);
        _ = StopAsync();
    }

    private static unsafe Errno WriteReply(IFuseDevice device, ulong unique, Errno error, ReadOnlySpan<byte> body)
    {
        var header = new FuseOutHeader
        {
            Length = (uint)(Unsafe.SizeOf<FuseOutHeader>() + body.Length),
            Error = -(int)error,
            Unique = unique,
        };
        fixed (byte* bytes = body)
        {
            return device.Write(
            [
                new IoVector((nuint)(&header), (nuint)sizeof(FuseOutHeader)),
                new IoVector((nuint)bytes, (nuint)body.Length),
            ]);
        }
    }
}
