using System.Collections;
using System.Runtime.Versioning;
using System.Text;

namespace DistFS.Fuse;

/// <summary>
/// fusermount3, the set-user-id helper of libfuse: mounts for ordinary users and hands over the descriptor through a
/// socket (SCM_RIGHTS). Spawned by posix_spawn, since a descriptor has to go with it.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe class Fusermount
{
    public const string Program = "fusermount3";
    private const int TimeoutSeconds = 10;
    private const int Kill9 = 9;

    // Of glibc 80 bytes, of musl 40.
    private const int SpawnActionsBytes = 256;

    /// <summary>Blocks up to 10 s.</summary>
    public static KernelDevice Mount(string mountPoint, string options)
    {
        var sockets = stackalloc int[2];
        Check(
            Libc.SocketPair(Libc.UnixSockets, Libc.StreamSocket | Libc.SocketCloseOnExec, 0, sockets), "socketpair");
        var errors = stackalloc int[2] { -1, -1 };
        var process = 0;
        try
        {
            Check(Libc.Pipe(errors, Libc.OpenCloseOnExec), "pipe2");
            var wait = stackalloc long[2] { TimeoutSeconds, 0 };
            Check(
                Libc.SetSocketOption(sockets[0], Libc.SocketLevel, Libc.ReceiveTimeout, wait, 2 * sizeof(long)),
                "setsockopt");
            process = Spawn(mountPoint, options, sockets[1], errors[1]);
            Close(ref sockets[1]);
            Close(ref errors[1]);
            var device = Receive(sockets[0], out var error);
            if (device == null && error == Errno.EAGAIN)
            {
                _ = Libc.Kill(process, Kill9);
            }

            // It has closed its ends, or is killed: neither of these two waits for long.
            var said = ReadAll(errors[0]);
            var status = Reap(process);
            process = 0;
            return device ?? throw Failed(mountPoint, said, status, error);
        }
        finally
        {
            Close(ref sockets[0]);
            Close(ref sockets[1]);
            Close(ref errors[0]);
            Close(ref errors[1]);
            if (process != 0)
            {
                _ = Libc.Kill(process, Kill9);
                Reap(process);
            }
        }
    }

    /// <summary>Arguments that remove a mount of this user.</summary>
    public static string[] UnmountCommand(string mountPoint, bool lazily) =>
        lazily ? [Program, "-u", "-q", "-z", "--", mountPoint] : [Program, "-u", "-q", "--", mountPoint];

    private static int Spawn(string mountPoint, string options, int socket, int errors)
    {
        // In the child these are 3 and 2; duplicates are inherited, unlike the originals.
        const int SocketInChild = 3;
        var actions = stackalloc byte[SpawnActionsBytes];
        CheckCode(Libc.SpawnActionsInit(actions), "posix_spawn_file_actions_init");
        var environment = Environment.GetEnvironmentVariables();
        var variables = new List<string> { $"_FUSE_COMMFD={SocketInChild}" };
        foreach (DictionaryEntry variable in environment)
        {
            if ((string)variable.Key != "_FUSE_COMMFD")
            {
                variables.Add($"{variable.Key}={variable.Value}");
            }
        }

        using var arguments = new CStrings([Program, "-o", options, "--", mountPoint]);
        using var block = new CStrings(variables);
        try
        {
            CheckCode(Libc.SpawnActionsDup2(actions, errors, 2), "posix_spawn_file_actions_adddup2");
            CheckCode(Libc.SpawnActionsDup2(actions, socket, SocketInChild), "posix_spawn_file_actions_adddup2");
            int process;
            fixed (byte* program = CString.From(Program))
            {
                var code = Libc.SpawnPath(&process, program, actions, null, arguments.Pointers, block.Pointers);
                if (code == (int)Errno.ENOENT)
                {
                    throw new FuseException(
                        $"{Program} was not found: install the package fuse3, or mount as root.", Errno.ENOENT);
                }

                CheckCode(code, $"starting {Program}");
            }

            return process;
        }
        finally
        {
            _ = Libc.SpawnActionsDestroy(actions);
        }
    }

    private static KernelDevice? Receive(int socket, out Errno error)
    {
        byte one;
        var vector = new IoVector((nuint)(&one), 1);
        var control = default(Libc.DescriptorMessage);
        var message = new Libc.MessageHeader
        {
            Vectors = &vector,
            VectorCount = 1,
            Control = &control,
            ControlBytes = (nuint)sizeof(Libc.DescriptorMessage),
        };
        nint count;
        do
        {
            count = Libc.ReceiveMessage(socket, &message, Libc.MessageCloseOnExec);
            error = count < 0 ? Libc.LastError() : Errno.None;
        }
        while (error == Errno.EINTR);

        var isDescriptor = count > 0
            && message.ControlBytes >= 20
            && control.Level == Libc.SocketLevel
            && control.Type == Libc.PassDescriptors;
        return isDescriptor ? new KernelDevice(control.Descriptor) : null;
    }

    private static string ReadAll(int descriptor)
    {
        var buffer = stackalloc byte[4096];
        var length = 0;
        while (length < 4096)
        {
            var count = (int)Libc.Read(descriptor, buffer + length, (nuint)(4096 - length));
            if (count < 0 && Libc.LastError() == Errno.EINTR)
            {
                continue;
            }

            if (count <= 0)
            {
                break;
            }

            length += count;
        }

        return Encoding.UTF8.GetString(buffer, length).Trim();
    }

    private static int Reap(int process)
    {
        int status;
        while (Libc.WaitProcess(process, &status, 0) < 0)
        {
            if (Libc.LastError() != Errno.EINTR)
            {
                return -1;
            }
        }

        return status;
    }

    private static FuseException Failed(string mountPoint, string said, int status, Errno error)
    {
        var reason = said.Length > 0 ? said
            : error == Errno.EAGAIN ? $"no answer within {TimeoutSeconds} s"
            : $"it ended with status {(status >> 8) & 255}";
        return new FuseException($"{Program} did not mount {mountPoint}: {reason}", Errno.EPERM);
    }

    private static void Close(ref int descriptor)
    {
        if (descriptor >= 0)
        {
            _ = Libc.Close(descriptor);
            descriptor = -1;
        }
    }

    private static void Check(int result, string call)
    {
        if (result < 0)
        {
            var error = Libc.LastError();
            throw new FuseException($"{call} failed: {error}.", error);
        }
    }

    private static void CheckCode(int code, string call)
    {
        if (code != 0)
        {
            throw new FuseException($"{call} failed: {(Errno)code}.", (Errno)code);
        }
    }
}
