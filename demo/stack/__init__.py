"""Real servers around the reference service: started, made faulty on request, and stopped, all on 127.0.0.1.

`pytest_backend_audit.demo.stack.stack.Stack` is the whole of it.
"""
