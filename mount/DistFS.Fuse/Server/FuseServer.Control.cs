using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <content>Requests that are handled by the reader at once, out of its own buffer.</content>
public sealed partial class FuseServer
{
    private void HandleControl(Channel channel, OpcodeRow row, in FuseInHeader header, ReadOnlySpan<byte> request)
    {
        var body = request[Unsafe.SizeOf<FuseInHeader>()..];
        if (header.Length != request.Length || body.Length < row.FixedBytes)
        {
            Options.Observer?.Defect(header.Opcode, header.Unique, $"A malformed {row.Name} was ignored.", null);
            if (row.HasReply)
            {
                WriteReply(channel.Device, header.Unique, Errno.EIO, default);
            }

            return;
        }

        try
        {
            Control(channel, header, body);
        }
        catch (Exception e)
        {
            Options.Observer?.Defect(header.Opcode, header.Unique, $"The handler of {row.Name} failed.", e);
        }
    }

    private void Control(Channel channel, in FuseInHeader header, ReadOnlySpan<byte> body)
    {
        switch (header.Opcode)
        {
            case Opcode.Interrupt:
                Flight.Interrupt(MemoryMarshal.Read<FuseInterruptIn>(body).Unique);
                return;
            case Opcode.Forget:
                _fileSystem.Forget(header.NodeId, MemoryMarshal.Read<FuseForgetIn>(body).Count);
                return;
            case Opcode.BatchForget:
                ForgetMany(header, body);
                return;
            case Opcode.Destroy:
                WriteReply(channel.Device, header.Unique, Errno.None, default);
                return;
            case Opcode.NotifyReply:
                // The answer to a retrieve notification, which this library does not send.
                return;
            default:
                // A second INIT: there was one.
                WriteReply(channel.Device, header.Unique, Errno.EIO, default);
                return;
        }
    }

    private void ForgetMany(in FuseInHeader header, ReadOnlySpan<byte> body)
    {
        var count = MemoryMarshal.Read<FuseBatchForgetIn>(body).Count;
        body = body[Unsafe.SizeOf<FuseBatchForgetIn>()..];
        if (count > (uint)(body.Length / Unsafe.SizeOf<FuseForgetOne>()))
        {
            Options.Observer?.Defect(header.Opcode, header.Unique, "A malformed BATCH_FORGET was ignored.", null);
            return;
        }

        for (; count > 0; count--)
        {
            var one = MemoryMarshal.Read<FuseForgetOne>(body);
            _fileSystem.Forget(one.NodeId, one.Count);
            body = body[Unsafe.SizeOf<FuseForgetOne>()..];
        }
    }
}
