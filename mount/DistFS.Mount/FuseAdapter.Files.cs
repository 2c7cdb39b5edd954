using System.Buffers;
using DistFS.Client;
using DistFS.Client.Nodes;
using DistFS.Fuse;
using DistFS.Primitives;
using DistFS.Vfs;

namespace DistFS.Mount;

/// <content>Content, and locks.</content>
internal sealed partial class FuseAdapter
{
    private const uint KeepSize = 1;
    private const uint PunchHole = 2;
    private const uint ZeroRange = 16;

    /// <inheritdoc/>
    public void Open(ulong node, in FuseOpenIn arguments, OpenReply reply) => Run(
        reply,
        vfs.OpenAsync(
            CallerOf(reply.Request),
            numbers.InodeOf(node),
            FuseTranslation.OpenModeOf(arguments.Flags),
            CancellationToken.None),
        static (self, reply, opened) => opened.Status != FsStatus.Ok ? reply.Fail((Errno)opened.Status)
            : reply.Ok(FuseTranslation.OpenedOf(in opened)) || self.GiveUp(in opened));

    /// <inheritdoc/>
    public void Create(ulong parent, in FuseCreateIn arguments, ReadOnlyMemory<byte> name, CreateReply reply) => Run(
        reply,
        vfs.CreateAsync(
            CallerOf(reply.Request),
            numbers.InodeOf(parent),
            name,
            new NewNode
            {
                Kind = FileKind.File,
                Mode = FuseTranslation.ModeOf(arguments.Mode),
                Umask = arguments.Umask,
                OrExisting = !FuseTranslation.IsExclusive(arguments.Flags),
            },
            FuseTranslation.OpenModeOf(arguments.Flags),
            CancellationToken.None),
        static (self, reply, made) =>
        {
            using var entry = made.Entry;
            if (entry.Status != FsStatus.Ok)
            {
                return reply.Fail((Errno)entry.Status);
            }

            if (reply.Ok(FuseTranslation.EntryOf(in entry, self.Numbers), FuseTranslation.OpenedOf(made.Opened)))
            {
                return true;
            }

            self.Vfs.Forget(entry.Attributes!.Inode, 1);
            return self.GiveUp(made.Opened);
        });

    /// <inheritdoc/>
    public void Read(ulong node, in FuseReadIn arguments, DataReply reply) => Run(
        reply,
        ReadAsync(
            arguments.Handle,
            (long)arguments.Offset,
            (int)arguments.Size,
            FuseTranslation.IsDirect(arguments.Flags)),
        static (_, reply, read) =>
        {
            try
            {
                using (read.Use)
                {
                    return read.Status == FsStatus.Ok
                        ? reply.Ok(read.Buffer.AsSpan(0, read.Length)) : reply.Fail((Errno)read.Status);
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(read.Buffer);
            }
        });

    /// <inheritdoc/>
    public void Write(ulong node, in FuseWriteIn arguments, ReadOnlyMemory<byte> data, WriteReply reply) => Run(
        reply,
        WriteAsync(arguments.Handle, (long)arguments.Offset, data, FuseTranslation.WriteOf(in arguments)),
        static (_, reply, written) =>
        {
            using (written.Use)
            {
                return written.Status == FsStatus.Ok
                    ? reply.Ok((uint)written.Length) : reply.Fail((Errno)written.Status);
            }
        });

    /// <inheritdoc/>
    public void Flush(ulong node, in FuseFlushIn arguments, EmptyReply reply) => Run(
        reply,
        vfs.FlushAsync(arguments.Handle, arguments.LockOwner, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void Fsync(ulong node, in FuseFsyncIn arguments, EmptyReply reply) => Run(
        reply,
        vfs.SyncAsync(arguments.Handle, (arguments.Flags & FsyncFlags.DataOnly) != 0, CancellationToken.None),
        static (_, reply, status) => Tell(reply, status));

    /// <inheritdoc/>
    public void Release(ulong node, in FuseReleaseIn arguments, EmptyReply reply)
    {
        // Nobody waits for it: the kernel has let go of the file. What is left to be sent is sent behind the answer.
        var handle = arguments.Handle;
        reply.Ok();
        _ = vfs.ReleaseAsync(handle).AsTask();
    }

    /// <inheritdoc/>
    public void Fallocate(ulong node, in FuseFallocateIn arguments, EmptyReply reply)
    {
        // Room cannot be set aside: chunks are placed when they are written. The C library writes zeros instead.
        if (arguments.Mode is not ((KeepSize | PunchHole) or ZeroRange or (KeepSize | ZeroRange)))
        {
            reply.Fail(Errno.EOPNOTSUPP);
            return;
        }

        Run(
            reply,
            vfs.PunchAsync(
                arguments.Handle,
                (long)arguments.Offset,
                (long)arguments.Length,
                grows: (arguments.Mode & KeepSize) == 0,
                dropsSpecial: reply.Request.Caller.Uid != 0,
                CancellationToken.None),
            static (_, reply, status) => Tell(reply, status));
    }

    /// <inheritdoc/>
    public void GetLock(ulong node, in FuseLockIn arguments, LockReply reply) => Run(
        reply,
        vfs.TestLockAsync(numbers.InodeOf(node), FuseTranslation.LockOf(in arguments), CancellationToken.None),
        static (_, reply, found) => found.Status == FsStatus.Ok
            ? reply.Ok(FuseTranslation.LockOf(found.Held)) : reply.Fail((Errno)found.Status));

    /// <inheritdoc/>
    public void SetLock(ulong node, in FuseLockIn arguments, bool mayWait, EmptyReply reply)
    {
        var wanted = FuseTranslation.LockOf(in arguments);
        var leaves = FuseTranslation.Leaves(in arguments);
        var handle = arguments.Handle;
        reply.Request.Defer();
        var interrupted = mayWait && !leaves ? reply.Request.Interrupted : CancellationToken.None;
        _ = TellAsync(
            reply,
            vfs.LockAsync(handle, wanted, leaves, mayWait, interrupted),
            static (_, reply, status) => Tell(reply, status));
    }

    private VfsMount Vfs => vfs;

    private NodeNumbers Numbers => numbers;

    /// <summary>Nobody took the handle.</summary>
    private bool GiveUp(in VfsOpened opened)
    {
        _ = vfs.ReleaseAsync(opened.Handle).AsTask();
        return false;
    }

    /// <summary>The buffer is rented.</summary>
    private async ValueTask<(FsStatus Status, byte[] Buffer, int Length, ContentUse Use)> ReadAsync(
        ulong handle, long offset, int size, bool isDirect)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var (status, length, use) = await vfs
                .ReadAsync(handle, offset, buffer.AsMemory(0, size), isDirect, CancellationToken.None)
                .ConfigureAwait(false);
            return (status, buffer, length, use);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    private async ValueTask<(FsStatus Status, int Length, ContentUse Use)> WriteAsync(
        ulong handle, long offset, ReadOnlyMemory<byte> data, VfsWrite how)
    {
        var length = data.Length;
        var (status, _, use) = await vfs.WriteAsync(handle, offset, data, how, CancellationToken.None)
            .ConfigureAwait(false);
        return (status, length, use);
    }
}
