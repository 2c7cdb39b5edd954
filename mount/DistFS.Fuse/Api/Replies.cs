namespace DistFS.Fuse;

/// <summary>An answer to any request.</summary>
public interface IFuseReply
{
    /// <summary>What is answered.</summary>
    FuseRequest Request { get; }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    bool Fail(Errno error);
}

/// <summary>Answer with an entry: LOOKUP, MKNOD, MKDIR, SYMLINK, LINK.</summary>
public readonly record struct EntryReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more: the kernel took no entry, so no lookup counts.</returns>
    public bool Ok(in FuseEntryOut entry) => Request.Claim().Send(in entry);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer with attributes: GETATTR, SETATTR.</summary>
public readonly record struct AttrReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(in FuseAttrOut attributes) => Request.Claim().Send(in attributes);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to STATX.</summary>
public readonly record struct StatxReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(in FuseStatxOut attributes) => Request.Claim().Send(in attributes);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer with a handle: OPEN, OPENDIR.</summary>
public readonly record struct OpenReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(in FuseOpenOut opened) => Request.Claim().Send(in opened);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to STATFS.</summary>
public readonly record struct StatFsReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(in FuseStatFsOut space) => Request.Claim().Send(in space);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to GETLK.</summary>
public readonly record struct LockReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(in FuseLockOut found) => Request.Claim().Send(in found);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer without content.</summary>
public readonly record struct EmptyReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok() => Request.Claim().SendError(Errno.None);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer with entry and handle: CREATE, TMPFILE.</summary>
public readonly record struct CreateReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more: the kernel took neither entry nor handle.</returns>
    public bool Ok(in FuseEntryOut entry, in FuseOpenOut opened) => Request.Claim().Send(in entry, in opened);

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to WRITE.</summary>
public readonly record struct WriteReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers with the bytes that were written. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(uint bytes)
    {
        var answer = new FuseWriteOut { Size = bytes };
        return Request.Claim().Send(in answer);
    }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to COPY_FILE_RANGE and COPY_FILE_RANGE_64.</summary>
public readonly record struct CopyReply(FuseRequest Request) : IFuseReply
{
    /// <summary>
    /// Answers with the bytes that were copied: at most 4 GiB - 1 for the short form. Once, and nothing else then.
    /// </summary>
    /// <returns>False when nobody waits any more.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Too many for the short form; it is not answered.</exception>
    public bool Ok(ulong bytes)
    {
        if (Request.Opcode == Opcode.CopyFileRange64)
        {
            var wide = new FuseCopyFileRangeOut { BytesCopied = bytes };
            return Request.Claim().Send(in wide);
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, uint.MaxValue);
        var answer = new FuseWriteOut { Size = (uint)bytes };
        return Request.Claim().Send(in answer);
    }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to LSEEK.</summary>
public readonly record struct SeekReply(FuseRequest Request) : IFuseReply
{
    /// <summary>Answers with the offset that was found. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(ulong offset)
    {
        var answer = new FuseSeekOut { Offset = offset };
        return Request.Claim().Send(in answer);
    }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}

/// <summary>Answer to GETXATTR and LISTXATTR.</summary>
public readonly record struct XattrReply(FuseRequest Request) : IFuseReply
{
    /// <summary>
    /// Answers with the value, or with its size when only that was asked for, or with ERANGE when it does not fit.
    /// Once, and nothing else then.
    /// </summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Ok(ReadOnlySpan<byte> value)
    {
        var room = Request.State.ReplyBytesMax;
        if (room == 0)
        {
            var answer = new FuseGetXattrOut { Size = (uint)value.Length };
            return Request.Claim().Send(in answer);
        }

        return value.Length > room ? Fail(Errno.ERANGE) : Request.Claim().SendBytes(value);
    }

    /// <summary>Answers with an error. Once, and nothing else then.</summary>
    /// <returns>False when nobody waits any more.</returns>
    public bool Fail(Errno error) => Request.Claim().SendError(error);
}
