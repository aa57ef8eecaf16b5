# The operator with its locked dependencies, and nothing else: docker build -t productionpolicy:0.1.0 .

FROM python:3.13-slim AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/productionpolicy \
    UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /source
# Dependencies first: they change less often than the code, so this layer stays cached.
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY LICENSE README.md ./
COPY operator operator
RUN uv sync --frozen --no-dev --no-editable

# The same base image, because the environment refers to its interpreter.
FROM python:3.13-slim
COPY --from=build /opt/productionpolicy /opt/productionpolicy
# The user below has no entry in /etc/passwd, so set HOME and USER: the Kubernetes client and Kopf need them.
ENV HOME=/opt/productionpolicy \
    PATH=/opt/productionpolicy/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USER=productionpolicy
# A number, so that Kubernetes can verify that it is not root.
USER 65532:65532
ENTRYPOINT ["productionpolicy"]
CMD ["run"]
