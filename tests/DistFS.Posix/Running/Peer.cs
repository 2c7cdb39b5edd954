using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace DistFS.Posix.Running;

/// <summary>
/// Another process of this program that makes system calls when told to, one line each: what belongs to a process
/// (record locks, what a kill releases) can only be seen from two.
/// </summary>
public sealed class Peer : IDisposable
{
    public const string Verb = "peer";
    private readonly Process _process;

    private Peer(Process process) => _process = process;

    /// <summary>The program itself, also when a test has loaded it.</summary>
    public static string Program => System.IO.Path.Combine(AppContext.BaseDirectory, "DistFS.Posix");

    public static Peer Start()
    {
        var start = new ProcessStartInfo(Program)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardInputEncoding = new UTF8Encoding(false),
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        start.ArgumentList.Add(Verb);
        start.ArgumentList.Add(Planted.Active.ToString());
        return new Peer(Process.Start(start)!);
    }

    public Outcome Open(string path, int flags, int mode = 0) => Call("open", path, flags, mode);

    public Outcome Close(int fd) => Call("close", fd);

    public Outcome FLock(int fd, int operation) => Call("flock", fd, operation);

    public Outcome Lock(int fd, int command, int type, long start, long length) =>
        Call("fcntl", fd, command, type, start, length);

    public Outcome Write(int fd, string text) => Call("write", fd, text);

    public Outcome Rename(string from, string to) => Call("rename", from, to);

    public Outcome Call(params object[] words)
    {
        Send(words);
        return Receive();
    }

    /// <summary>Sends a call that may block; <see cref="Receive"/> has its outcome.</summary>
    public void Send(params object[] words)
    {
        _process.StandardInput.WriteLine(
            string.Join('\t', words.Select(w => Convert.ToString(w, CultureInfo.InvariantCulture))));
        _process.StandardInput.Flush();
    }

    public Outcome Receive()
    {
        var words = (_process.StandardOutput.ReadLine() ?? throw new CheckFailedException("the peer is gone"))
            .Split('\t');
        return new Outcome(
            long.Parse(words[0], CultureInfo.InvariantCulture),
            (Errno)int.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>kill -9, and waits for its end.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }

    /// <summary>The other side: reads calls and answers them until its input ends.</summary>
    internal static int Serve(Stream input, Stream output)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false));
        using var writer = new StreamWriter(output, new UTF8Encoding(false)) { AutoFlush = true };
        while (reader.ReadLine() is { } line)
        {
            var outcome = Perform(line.Split('\t'));
            writer.WriteLine($"{outcome.Value}\t{(int)outcome.Error}");
        }

        return 0;
    }

    private static Outcome Perform(string[] words)
    {
        int Number(int i) => int.Parse(words[i], CultureInfo.InvariantCulture);
        long Long(int i) => long.Parse(words[i], CultureInfo.InvariantCulture);
        switch (words[0])
        {
            case "open":
                return Sys.Open(words[1], Number(2), Number(3));
            case "close":
                return Sys.Close(Number(1));
            case "flock":
                return Sys.FLock(Number(1), Number(2));
            case "write":
                return Sys.Write(Number(1), words[2]);
            case "rename":
                return Sys.Rename(words[1], words[2]);
            case "race":
                return Racing.Racer.Run(words[1], words[2], Number(3), Number(4), Number(5));
            case "fcntl":
                var range = new FileLock { Type = (short)Number(3), Start = Long(4), Length = Long(5) };
                return FCntl(Number(1), Number(2), ref range);
            default:
                throw new ArgumentException($"unknown call {words[0]}");
        }
    }
}
